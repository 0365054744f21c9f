/* `bulkhead completion SHELL`: the command table as a shell script. The scripts are whole: they
 * start no process while completing, except for the names of stored images. */
#include "base/mem.h"
#include "cmd/call.h"
#include "cmd/table.h"

#include <stdlib.h>
#include <string.h>

enum shell { SHELL_BASH, SHELL_ZSH };
static const char *const shell_names[] = {"bash", "zsh", NULL};

static const char *const completion_words[] = {
    [BH_COMPLETE_NOTHING] = "nothing",
    [BH_COMPLETE_FILE] = "file",
    [BH_COMPLETE_DIRECTORY] = "directory",
    [BH_COMPLETE_TARGET] = "target",
};

static void put_words(FILE *f, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        fprintf(f, "%s%s", i ? " " : "", words[i]);
}

/* Second words of the families and the commands themselves, each once. */
static void put_first_words(FILE *f)
{
    const char *last = "";

    for (size_t i = 0; bh_commands[i]; i++) {
        const char *name = bh_commands[i]->name;
        size_t len = strcspn(name, " ");

        if (bh_commands[i]->hidden || (strncmp(last, name, len) == 0 && last[len] == ' '))
            continue;
        fprintf(f, "%s%.*s", *last ? " " : "", (int)len, name);
        last = name;
    }
}

static void put_family_words(FILE *f, const char *family)
{
    bool any = false;

    for (size_t i = 0; bh_commands[i]; i++) {
        if (bh_commands[i]->hidden || !bh_command_in_family(bh_commands[i], family))
            continue;
        fprintf(f, "%s%s", any ? " " : "", bh_commands[i]->name + strlen(family) + 1);
        any = true;
    }
}

static void put_option_names(FILE *f, const struct bh_option *options)
{
    for (const struct bh_option *o = options; o && o->name; o++)
        if (!o->hidden)
            fprintf(f, " --%s", o->name);
}

/* ---- bash ---- */

/* "    --format|-f) words 'table json' ;;" for every option that takes a value. */
static void put_bash_values(FILE *f, const struct bh_option *options, const char *command)
{
    for (const struct bh_option *o = options; o && o->name; o++) {
        if (o->kind == BH_OPTION_FLAG || o->hidden)
            continue;
        fprintf(f, "        '%s --%s'", command, o->name);
        if (o->letter)
            fprintf(f, "|'%s -%c'", command, o->letter);
        fputs(") ", f);
        if (o->choices) {
            fputs("_bulkhead_words '", f);
            put_words(f, o->choices);
            fputs("'", f);
        } else {
            fprintf(f, "_bulkhead_%s", completion_words[o->completion]);
        }
        fputs(" ;;\n", f);
    }
}

static void put_bash_family_cases(FILE *f)
{
    const char *last = "";

    for (size_t i = 0; bh_commands[i]; i++) {
        const char *name = bh_commands[i]->name;
        size_t len = strcspn(name, " ");
        BH_AUTO(bh_freep) char *family = bh_strndup(name, len);

        if (bh_commands[i]->hidden || !name[len] ||
            (strncmp(last, name, len) == 0 && last[len] == ' '))
            continue;
        fprintf(f, "        %s) _bulkhead_words '", family);
        put_family_words(f, family);
        fputs("' ;;\n", f);
        last = name;
    }
}

static void put_bash_operands(FILE *f, const struct bh_command *c)
{
    fprintf(f, "        '%s') ", c->name);
    if (c->operand_words) {
        fputs("_bulkhead_words '", f);
        put_words(f, c->operand_words);
        fputs("'", f);
    } else {
        fprintf(f, "_bulkhead_%s", completion_words[c->completion]);
    }
    fputs(" ;;\n", f);
}

static void put_bash_head(FILE *f)
{
    fputs("# bash completion for bulkhead; made by `bulkhead completion bash`\n\n"
          "_bulkhead_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
          "_bulkhead_nothing() { COMPREPLY=(); }\n"
          "_bulkhead_file() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "
          "\"$cur\"); }\n"
          "_bulkhead_directory() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "
          "\"$cur\"); }\n"
          "_bulkhead_target() {\n"
          "    local kind=${cur%%:*} path=${cur#*:} names\n"
          "    case $cur in\n"
          "    oci:*|oci-archive:*|docker-archive:*|dir:*)\n"
          "        compopt -o filenames -o nospace\n"
          "        mapfile -t COMPREPLY < <(compgen -P \"$kind:\" -f -- \"$path\")\n"
          "        __ltrim_colon_completions \"$cur\" 2>/dev/null || "
          "COMPREPLY=(\"${COMPREPLY[@]#\"$kind:\"}\") ;;\n"
          "    *)\n"
          "        names=$(bulkhead images --quiet 2>/dev/null)\n"
          "        compopt -o nospace\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"oci: oci-archive: docker-archive: dir: "
          "docker:// docker-daemon: $names\" -- \"$cur\"; compgen -f -- \"$cur\")\n"
          "        __ltrim_colon_completions \"$cur\" 2>/dev/null ;;\n"
          "    esac\n"
          "}\n\n",
          f);
}

/* Walks the words before the cursor: which command are we in, and does an option wait for its
 * value? */
static void put_bash_body(FILE *f)
{
    fputs("_bulkhead() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} previous= command= word i\n"
          "    if declare -F _get_comp_words_by_ref >/dev/null; then\n"
          "        local words cword\n"
          "        _get_comp_words_by_ref -n : -c cur -w words -i cword\n"
          "    else\n"
          "        local words=(\"${COMP_WORDS[@]}\") cword=$COMP_CWORD\n"
          "    fi\n"
          "    for ((i = 1; i < cword; i++)); do\n"
          "        word=${words[i]}\n"
          "        case $word in\n"
          "        --) [[ $command ]] && { _bulkhead_file; return; } ;;\n"
          "        -*) case \" $_bulkhead_valued \" in\n"
          "            *\" $word \"*) ((i++ < cword - 1)) || previous=$word ;;\n"
          "            esac ;;\n"
          "        *)  if [[ -z $command ]]; then command=$word\n"
          "            elif [[ \" $_bulkhead_families \" == *\" $command \"* ]]; then command+=\" "
          "$word\"\n"
          "            fi ;;\n"
          "        esac\n"
          "    done\n"
          "    COMPREPLY=()\n"
          "    if [[ $previous ]]; then _bulkhead_value \"$command $previous\"\n"
          "    elif [[ $cur == -* ]]; then _bulkhead_options \"$command\"\n"
          "    else _bulkhead_operand \"$command\"\n"
          "    fi\n"
          "}\n"
          "complete -F _bulkhead bulkhead\n",
          f);
}

static void put_valued(FILE *f, const struct bh_option *options)
{
    for (const struct bh_option *o = options; o && o->name; o++) {
        if (o->kind == BH_OPTION_FLAG || o->hidden)
            continue;
        fprintf(f, " --%s", o->name);
        if (o->letter)
            fprintf(f, " -%c", o->letter);
    }
}

static void put_families(FILE *f)
{
    const char *last = "";

    for (size_t i = 0; bh_commands[i]; i++) {
        const char *name = bh_commands[i]->name;
        size_t len = strcspn(name, " ");

        if (bh_commands[i]->hidden || !name[len] ||
            (strncmp(last, name, len) == 0 && last[len] == ' '))
            continue;
        fprintf(f, " %.*s", (int)len, name);
        last = name;
    }
}

static void put_bash(FILE *f)
{
    put_bash_head(f);
    fputs("_bulkhead_families='", f);
    put_families(f);
    fputs("'\n_bulkhead_valued='", f);
    put_valued(f, bh_global_options);
    for (size_t i = 0; bh_commands[i]; i++)
        if (!bh_commands[i]->hidden)
            put_valued(f, bh_commands[i]->options);
    fputs("'\n\n_bulkhead_value() {\n    case $1 in\n", f);
    for (size_t i = 0; bh_commands[i]; i++)
        if (!bh_commands[i]->hidden)
            put_bash_values(f, bh_commands[i]->options, bh_commands[i]->name);
    fputs("    *)  case \"${1##* }\" in\n", f);
    for (const struct bh_option *o = bh_global_options; o->name; o++) {
        if (o->kind == BH_OPTION_FLAG)
            continue;
        fprintf(f, "        --%s) ", o->name);
        if (o->choices) {
            fputs("_bulkhead_words '", f);
            put_words(f, o->choices);
            fputs("' ;;\n", f);
        } else {
            fprintf(f, "_bulkhead_%s ;;\n", completion_words[o->completion]);
        }
    }
    fputs("        esac ;;\n    esac\n}\n\n_bulkhead_options() {\n    case $1 in\n", f);
    for (size_t i = 0; bh_commands[i]; i++) {
        if (bh_commands[i]->hidden)
            continue;
        fprintf(f, "        '%s') _bulkhead_words '", bh_commands[i]->name);
        put_option_names(f, bh_commands[i]->options);
        put_option_names(f, bh_global_options);
        fputs("' ;;\n", f);
    }
    fputs("        *) _bulkhead_words '", f);
    put_option_names(f, bh_global_options);
    fputs(
        "' ;;\n    esac\n}\n\n_bulkhead_operand() {\n    case $1 in\n        '') _bulkhead_words '",
        f);
    put_first_words(f);
    fputs("' ;;\n", f);
    put_bash_family_cases(f);
    for (size_t i = 0; bh_commands[i]; i++)
        if (!bh_commands[i]->hidden)
            put_bash_operands(f, bh_commands[i]);
    fputs("    esac\n}\n\n", f);
    put_bash_body(f);
}

/* ---- zsh ---- */

/* Inside single quotes and brackets of an _arguments specification. */
static void put_zsh_text(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", f);
        else if (strchr("[]:\\", *text))
            fprintf(f, "\\%c", *text);
        else
            fputc(*text, f);
    }
}

static void put_zsh_action(FILE *f, const char *const *choices, enum bh_completion completion)
{
    static const char *const actions[] = {
        [BH_COMPLETE_NOTHING] = " ",
        [BH_COMPLETE_FILE] = "_files",
        [BH_COMPLETE_DIRECTORY] = "_files -/",
        [BH_COMPLETE_TARGET] = "_bulkhead_target",
    };

    if (choices) {
        fputc('(', f);
        put_words(f, choices);
        fputc(')', f);
    } else {
        fputs(actions[completion], f);
    }
}

static void put_zsh_options(FILE *f, const struct bh_option *options)
{
    for (const struct bh_option *o = options; o && o->name; o++) {
        if (o->hidden)
            continue;
        fputs("        ", f);
        if (o->letter)
            fprintf(f, "'(-%c --%s)'{-%c,--%s}'", o->letter, o->name, o->letter, o->name);
        else
            fprintf(f, "'%s--%s", o->kind == BH_OPTION_STRINGS ? "*" : "", o->name);
        if (o->kind != BH_OPTION_FLAG && !o->letter)
            fputc('=', f);
        fputc('[', f);
        put_zsh_text(f, o->text);
        fputc(']', f);
        if (o->kind != BH_OPTION_FLAG) {
            fputc(':', f);
            put_zsh_text(f, o->value);
            fputc(':', f);
            put_zsh_action(f, o->choices, o->completion);
        }
        fputs("' \\\n", f);
    }
}

static void put_zsh_command(FILE *f, const struct bh_command *c)
{
    fprintf(f, "    '%s')\n        _arguments -s \\\n", c->name);
    put_zsh_options(f, c->options);
    put_zsh_options(f, bh_global_options);
    /* An operand without an offer would keep _arguments from offering options. */
    if (!c->operand_words && c->completion == BH_COMPLETE_NOTHING) {
        fputs("        && return ;;\n", f);
        return;
    }
    fputs("        '*:operand:", f);
    put_zsh_action(f, c->operand_words, c->completion);
    fputs("' ;;\n", f);
}

/* "'scan:Judge an image'" for _describe; family NULL: first words. */
static void put_zsh_described(FILE *f, const char *family)
{
    const char *last = "";

    for (size_t i = 0; bh_commands[i]; i++) {
        const struct bh_command *c = bh_commands[i];
        size_t len = strcspn(c->name, " ");
        const char *word = family ? c->name + len + 1 : c->name;
        const char *text = c->summary;

        if (c->hidden || (family && !bh_command_in_family(c, family)) ||
            (!family && strncmp(last, c->name, len) == 0 && last[len] == ' '))
            continue;
        last = c->name;
        if (!family && c->name[len])
            text = "commands of this family";
        fprintf(f, " '%.*s:", family ? (int)strlen(word) : (int)len, word);
        put_zsh_text(f, text);
        fputc('\'', f);
    }
}

static void put_zsh_families(FILE *f)
{
    const char *last = "";

    for (size_t i = 0; bh_commands[i]; i++) {
        const char *name = bh_commands[i]->name;
        size_t len = strcspn(name, " ");
        BH_AUTO(bh_freep) char *family = bh_strndup(name, len);

        if (bh_commands[i]->hidden || !name[len] ||
            (strncmp(last, name, len) == 0 && last[len] == ' '))
            continue;
        last = name;
        fprintf(f, "    %s)\n        if ((CURRENT == 2)); then\n            commands=(", family);
        put_zsh_described(f, family);
        fputs(")\n            _describe command commands; return\n        fi\n"
              "        command=\"$command $words[2]\"; shift words; ((CURRENT--)) ;;\n",
              f);
    }
}

static void put_zsh(FILE *f)
{
    fputs("#compdef bulkhead\n# zsh completion for bulkhead; made by `bulkhead completion zsh`\n\n"
          "_bulkhead_target() {\n"
          "    local -a names\n"
          "    if compset -P '(oci|oci-archive|docker-archive|dir):'; then _files; return; fi\n"
          "    names=(${(f)\"$(bulkhead images --quiet 2>/dev/null)\"})\n"
          "    _alternative 'kinds:kind of target:compadd -S \"\" oci\\: oci-archive\\: "
          "docker-archive\\: dir\\: docker\\:// docker-daemon\\:' \\\n"
          "        'names:image:compadd -a names' 'files:file:_files'\n"
          "}\n\n"
          "_bulkhead() {\n"
          "    local curcontext=\"$curcontext\" context state state_descr line command\n"
          "    local -a commands\n"
          "    typeset -A opt_args\n\n"
          "    _arguments -C \\\n",
          f);
    put_zsh_options(f, bh_global_options);
    fputs("        '(-)1:command:->command' '(-)*::operand:->operand'\n"
          "    case $state in\n"
          "    command) commands=(",
          f);
    put_zsh_described(f, NULL);
    fputs(")\n        _describe command commands; return ;;\n"
          "    operand) command=$words[1] ;;\n"
          "    *) return ;;\n"
          "    esac\n"
          "    case $command in\n",
          f);
    put_zsh_families(f);
    fputs("    esac\n    case $command in\n", f);
    for (size_t i = 0; bh_commands[i]; i++)
        if (!bh_commands[i]->hidden)
            put_zsh_command(f, bh_commands[i]);
    fputs("    esac\n}\n\n"
          "if [[ $funcstack[1] == _bulkhead ]]; then _bulkhead \"$@\"; else compdef _bulkhead "
          "bulkhead; fi\n",
          f);
}

/* ---- the command ---- */

static int run_completion(const struct bh_call *call, struct bh_error *err)
{
    for (int i = 0; shell_names[i]; i++) {
        if (strcmp(call->operands.items[0], shell_names[i]) != 0)
            continue;
        if (i == SHELL_BASH)
            put_bash(call->out->stream);
        else
            put_zsh(call->out->stream);
        return BH_EXIT_DONE;
    }
    return bh_fail(err, BH_USAGE, "no completion for shell \"%.80s\"; there is bash and zsh",
                   call->operands.items[0]);
}

static const struct bh_example completion_examples[] = {
    {"source <(bulkhead completion bash)", "Completes in this bash"},
    {"bulkhead completion zsh > ~/.zfunc/_bulkhead",
     "For every zsh that has ~/.zfunc in its fpath"},
    {NULL, NULL},
};

extern const struct bh_command bh_cmd_completion;
const struct bh_command bh_cmd_completion = {
    .name = "completion",
    .group = BH_GROUP_SELF,
    .summary = "Print the completion script of a shell",
    .operands = "bash|zsh",
    .operands_min = 1,
    .operands_max = 1,
    .operand_words = shell_names,
    .text = "An installed Bulkhead brings both scripts to where the shells look for them.",
    .without_config = true,
    .examples = completion_examples,
    .run = run_completion,
};
