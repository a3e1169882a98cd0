/** Where migration tools keep which migrations ran, in lower case: emptied, they would run again on tables that are there. */
const MIGRATIONS = new Set(
  (
    '__drizzle_migrations __efmigrationshistory __migrations _migrations _prisma_migrations _sqlx_migrations ' +
    'alembic_version ar_internal_metadata atlas_schema_revisions d1_migrations databasechangelog ' +
    'databasechangeloglock db_migrations django_migrations doctrine_migration_versions flyway_schema_history ' +
    'gobuffalo_migrations goose_db_version gorp_migrations knex_migrations knex_migrations_lock kysely_migration ' +
    'kysely_migration_lock migrations mikro_orm_migrations pgmigrations phinxlog schema_migrations schema_version ' +
    'sequelizemeta typeorm_metadata typeorm_migrations umzug_migrations'
  ).split(' '),
)

/** Whether a table belongs to a migration tool. */
export function isMigrations(table: string): boolean {
  return MIGRATIONS.has(table.toLowerCase())
}
