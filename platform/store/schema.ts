/**
 * The tables of the embedded world's one database, as steps: step n brings a file from `user_version` n to
 * n + 1. Steps are only ever appended, because files of every earlier version stand on somebody's disk.
 */
export const schema: readonly string[] = [
  `CREATE TABLE items (
     partition TEXT NOT NULL,
     sort TEXT NOT NULL,
     value TEXT NOT NULL,
     version INTEGER NOT NULL,
     expires_at INTEGER,
     PRIMARY KEY (partition, sort)
   ) STRICT;
   CREATE INDEX items_expiry ON items (expires_at) WHERE expires_at IS NOT NULL;`,
];
