/* cmd/commands.h - every command, a line each; for table.c, which includes it twice.
 *
 * Members of a family stand together. Help sorts by group and keeps this order within one. */
COMMAND(run)
COMMAND(rehearse)
COMMAND(policy_check)
COMMAND(policy_fields)
COMMAND(policy_parse)
COMMAND(pull)
COMMAND(images)
COMMAND(rmi)
COMMAND(gc)
COMMAND(db_import)
COMMAND(db_status)
COMMAND(db_compare)
COMMAND(doctor)
COMMAND(help)
COMMAND(completion)
COMMAND(manual)
