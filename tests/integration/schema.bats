#!/usr/bin/env bats
# Every JSON output names its schema, and holds what the schema file of that name requires.
load lib

prepare_file() {
    mkdir -p "$WORK/layer/etc"
    echo "ID=test" >"$WORK/layer/etc/os-release"
    "$TREE/tests/lib/make-image" oci "$WORK/image" "$WORK/layer" >/dev/null
}

# follows NAME FILE: the document states bulkhead/NAME/1 and has every member its schema requires, at
# every level that the schema describes.
follows() {
    require_tool jq
    local schema=$TREE/docs/schema/$1.schema.json
    [ -f "$schema" ] || { echo "no $schema"; return 1; }
    jq -e --slurpfile schema "$schema" '
        def holds($s): . as $value
            | if ($s | type) != "object" then true
              elif type == "object" then
                  (($s.required // []) - keys == [])
                  and all(($s.properties // {}) | to_entries[]; .key as $k
                      | if ($value | has($k)) then .value as $sub | $value[$k] | holds($sub) else true end)
              elif type == "array" then all(.[]; holds($s.items // {}))
              else (if $s | has("const") then . == $s.const else true end)
                  and (if $s | has("enum") then . as $v | $s.enum | index([$v]) != null else true end)
              end;
        .schema == $schema[0]["$id"] and holds($schema[0])' "$2" >/dev/null ||
        { echo "$2 does not follow $schema"; head -c 2000 "$2"; return 1; }
}

@test "every schema file is JSON that names its own version" {
    require_tool jq
    local file
    for file in "$TREE"/docs/schema/*.schema.json; do
        jq -e --arg name "$(basename "$file" .schema.json)" '
            (.["$id"] | startswith("bulkhead/" + $name + "/")) and .type == "object"
            and .properties.schema.const == .["$id"] and (.required | index("schema") != null)' "$file" >/dev/null ||
            { echo "$file"; false; }
    done
}

@test "a document that breaks its schema would be noticed" {
    echo '{"schema": "bulkhead/images/1", "images": [{"name": "x"}]}' >"$WORK/bad.json"
    run follows images "$WORK/bad.json"
    expect_status 1
    echo '{"schema": "bulkhead/images/2", "images": []}' >"$WORK/bad.json"
    run follows images "$WORK/bad.json"
    expect_status 1
}

@test "doctor" {
    bulkhead doctor --format json >"$WORK/doctor.json"
    follows doctor "$WORK/doctor.json"
}

@test "db status, without and with a store" {
    bulkhead db status --format json >"$WORK/db.json"
    follows db-status "$WORK/db.json"
}

@test "policy fields" {
    bulkhead policy fields --format json >"$WORK/fields.json"
    follows policy-fields "$WORK/fields.json"
}

@test "pull, images and gc; --quiet gives the names alone" {
    bulkhead images --format json >"$WORK/images.json"
    follows images "$WORK/images.json"
    bulkhead pull "oci:$WORK/image" --name "web:1" --format json >"$WORK/pull.json"
    follows pull "$WORK/pull.json"
    bulkhead images --format json >"$WORK/images.json"
    follows images "$WORK/images.json"
    [ "$(jq -r '.images[0].name' "$WORK/images.json")" = "$(bulkhead images --quiet)" ]
    [ "$(bulkhead images --quiet | wc -l)" = 1 ]
    bulkhead gc --format json >"$WORK/gc.json"
    follows gc "$WORK/gc.json"
}

@test "scan" {
    bulkhead scan "oci:$WORK/image" --format json >"$WORK/scan.json"
    follows scan "$WORK/scan.json"
}
