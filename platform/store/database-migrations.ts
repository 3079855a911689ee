/**
 * Migrations of the embedded world's database: step n takes a file from `user_version` n to n + 1. Only append steps:
 * users have files of every earlier version.
 */
export const databaseMigrations: readonly string[] = [
  `CREATE TABLE items (
     partition TEXT NOT NULL,
     sort TEXT NOT NULL,
     value TEXT NOT NULL,
     version INTEGER NOT NULL,
     expires_at INTEGER,
     PRIMARY KEY (partition, sort)
   ) STRICT;
   CREATE INDEX items_expiry ON items (expires_at) WHERE expires_at IS NOT NULL;

   CREATE TABLE model_versions (
     model TEXT NOT NULL,
     version INTEGER NOT NULL,
     delivery TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('PENDING', 'READY')),
     sha256 TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     tags TEXT NOT NULL DEFAULT '{}',
     metrics TEXT NOT NULL DEFAULT '{}',
     PRIMARY KEY (model, version),
     UNIQUE (model, delivery)
   ) STRICT;
   CREATE TABLE model_aliases (
     model TEXT NOT NULL,
     alias TEXT NOT NULL,
     version INTEGER NOT NULL,
     PRIMARY KEY (model, alias),
     FOREIGN KEY (model, version) REFERENCES model_versions (model, version)
   ) STRICT;

   CREATE TABLE requests (
     environment TEXT NOT NULL,
     model TEXT NOT NULL,
     version TEXT NOT NULL,
     at INTEGER NOT NULL,
     latency_ms REAL NOT NULL,
     failed INTEGER NOT NULL,
     labels TEXT NOT NULL
   ) STRICT;
   CREATE INDEX requests_window ON requests (environment, model, version, at);
   CREATE INDEX requests_age ON requests (at);
   CREATE TABLE totals (
     name TEXT NOT NULL,
     dimensions TEXT NOT NULL,
     unit TEXT NOT NULL,
     total REAL NOT NULL,
     PRIMARY KEY (name, dimensions)
   ) STRICT;`,
  `CREATE TABLE executions (
     name TEXT PRIMARY KEY,
     number INTEGER NOT NULL UNIQUE,
     status TEXT NOT NULL,
     input TEXT NOT NULL,
     output TEXT,
     error_name TEXT,
     error_cause TEXT,
     started_at INTEGER NOT NULL,
     ended_at INTEGER,
     state TEXT,
     state_data TEXT
   ) STRICT;
   CREATE INDEX executions_status ON executions (status, number);
   CREATE TABLE execution_events (
     name TEXT NOT NULL REFERENCES executions (name),
     sequence INTEGER NOT NULL,
     state TEXT NOT NULL,
     status TEXT NOT NULL,
     at INTEGER NOT NULL,
     ms INTEGER NOT NULL,
     output TEXT,
     error_name TEXT,
     error_cause TEXT,
     PRIMARY KEY (name, sequence)
   ) STRICT;`,
  `CREATE TABLE unreported_calls (
     environment TEXT NOT NULL,
     model TEXT NOT NULL,
     version TEXT NOT NULL,
     at INTEGER NOT NULL,
     cause TEXT NOT NULL
   ) STRICT;
   CREATE INDEX unreported_calls_window ON unreported_calls (environment, model, version, at);
   CREATE INDEX unreported_calls_age ON unreported_calls (at);`,
  `CREATE TABLE hourly_calls (
     environment TEXT NOT NULL,
     model TEXT NOT NULL,
     hour INTEGER NOT NULL,
     calls INTEGER NOT NULL,
     PRIMARY KEY (environment, model, hour)
   ) STRICT;
   CREATE INDEX hourly_calls_age ON hourly_calls (hour);`,
  `CREATE TABLE events (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     event TEXT NOT NULL
   ) STRICT;`,
  // Null: the request reported no scores, or an earlier release wrote it.
  "ALTER TABLE requests ADD COLUMN scores TEXT;",
];
