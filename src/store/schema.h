// The tables of metadata.db, as migrations: element i leads from user_version i to i + 1. Never
// edit one that has been released; append.
//
// `unsafe_boot` of a row is the boot id of the machine run that wrote it, until a barrier has put
// what the row speaks of on disk; then it is NULL (store.h, "Durability").
// Times are microseconds since the epoch. `linked`: when it was measured, some of its files had
// links outside of it.
#pragma once

#include <initializer_list>

namespace slipway::store {

inline constexpr std::initializer_list<const char*> kMigrations = {R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE snapshots(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  parent INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  bytes INTEGER,
  inodes INTEGER,
  created INTEGER NOT NULL,
  last_used INTEGER NOT NULL,
  unsafe_boot TEXT);
CREATE INDEX snapshots_parent ON snapshots(parent);
CREATE INDEX snapshots_active ON snapshots(id) WHERE committed = 0;
CREATE INDEX snapshots_unsafe ON snapshots(id) WHERE unsafe_boot IS NOT NULL;

CREATE TABLE chains(chain_id TEXT PRIMARY KEY, snapshot INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX chains_snapshot ON chains(snapshot);

CREATE TABLE layer_blobs(
  snapshot INTEGER NOT NULL,
  variant TEXT NOT NULL,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  diff_id TEXT NOT NULL,
  PRIMARY KEY(snapshot, variant)) WITHOUT ROWID;
CREATE INDEX layer_blobs_digest ON layer_blobs(digest);

CREATE TABLE blobs(
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  created INTEGER NOT NULL,
  unsafe_boot TEXT);
CREATE INDEX blobs_unsafe ON blobs(id) WHERE unsafe_boot IS NOT NULL;

CREATE TABLE images(
  name TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  created INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE records(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity TEXT NOT NULL,
  description TEXT NOT NULL,
  ingredients TEXT NOT NULL,
  build TEXT NOT NULL,
  created INTEGER NOT NULL,
  last_used INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  unsafe_boot TEXT);
CREATE INDEX records_unsafe ON records(id) WHERE unsafe_boot IS NOT NULL;
CREATE TABLE record_results(
  record INTEGER NOT NULL,
  output INTEGER NOT NULL,
  result TEXT NOT NULL,
  snapshot INTEGER,
  PRIMARY KEY(record, output)) WITHOUT ROWID;
CREATE INDEX record_results_snapshot ON record_results(snapshot) WHERE snapshot IS NOT NULL;
CREATE TABLE record_keys(
  key TEXT PRIMARY KEY,
  record INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX record_keys_record ON record_keys(record);

CREATE TABLE cache_mounts(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  base INTEGER NOT NULL,
  created INTEGER NOT NULL,
  last_used INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  unsafe_boot TEXT);
CREATE INDEX cache_mounts_name ON cache_mounts(name, base);
)sql",

                                                                   R"sql(
CREATE TABLE content_digests(
  snapshot INTEGER NOT NULL,
  selection TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY(snapshot, selection)) WITHOUT ROWID;
)sql",

                                                                   R"sql(
DROP TABLE cache_mounts;
CREATE TABLE cache_mounts(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  base TEXT NOT NULL,
  created INTEGER NOT NULL,
  last_used INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  bytes INTEGER,
  inodes INTEGER,
  measured INTEGER,
  unsafe_boot TEXT);
CREATE INDEX cache_mounts_name ON cache_mounts(name, base);
)sql",

                                                                   R"sql(
CREATE TABLE latest_copies(name TEXT PRIMARY KEY, snapshot INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX latest_copies_snapshot ON latest_copies(snapshot);
)sql",

                                                                   R"sql(
CREATE TABLE pieces(
  key TEXT PRIMARY KEY,
  blob INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL,
  checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX pieces_blob ON pieces(blob);
CREATE TRIGGER pieces_go_with_their_blob AFTER DELETE ON blobs BEGIN
  DELETE FROM pieces WHERE blob = OLD.id;
END;

CREATE TABLE layer_parts(
  snapshot INTEGER NOT NULL,
  variant TEXT NOT NULL,
  part INTEGER NOT NULL,
  label TEXT NOT NULL,
  outline TEXT NOT NULL,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  diff_id TEXT NOT NULL,
  PRIMARY KEY(snapshot, variant, part)) WITHOUT ROWID;
INSERT INTO layer_parts SELECT snapshot, variant, 0, '', '', digest, media_type, size, diff_id
  FROM layer_blobs;
DROP TABLE layer_blobs;
ALTER TABLE layer_parts RENAME TO layer_blobs;
CREATE INDEX layer_blobs_digest ON layer_blobs(digest);
CREATE INDEX layer_blobs_outline ON layer_blobs(outline) WHERE outline <> '';
)sql",

                                                                   R"sql(
CREATE TABLE link_families(
  snapshot INTEGER NOT NULL,
  family INTEGER NOT NULL,
  PRIMARY KEY(snapshot, family)) WITHOUT ROWID;
)sql",

                                                                   R"sql(
ALTER TABLE snapshots ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cache_mounts ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;
UPDATE snapshots SET bytes = NULL;
UPDATE cache_mounts SET measured = NULL;
)sql",

                                                                   R"sql(
ALTER TABLE cache_mounts ADD COLUMN linking INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cache_mounts ADD COLUMN longest_path INTEGER NOT NULL DEFAULT 0;
)sql",

                                                                   R"sql(
ALTER TABLE layer_blobs ADD COLUMN annotations TEXT NOT NULL DEFAULT '{}';
)sql",

                                                                   R"sql(
ALTER TABLE layer_blobs ADD COLUMN inodes TEXT NOT NULL DEFAULT '';
)sql",

                                                                   R"sql(
DELETE FROM pieces;
CREATE TABLE piece_secret(id INTEGER PRIMARY KEY, secret BLOB NOT NULL);
)sql"};

}  // namespace slipway::store
