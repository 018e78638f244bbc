-- One SQL text for both engines: this file and its sibling differ only in collation and in the writers' lock.
-- Ids are text (UUIDv7), times are milliseconds since 1970 (UTC), JSON is text, ciphertext is text.

CREATE TABLE video_meetings (
  id TEXT NOT NULL PRIMARY KEY,
  platform TEXT NOT NULL CHECK (platform IN ('zoom', 'teams', 'google_meet', 'heydok')),
  code TEXT UNIQUE,
  external_id TEXT UNIQUE,
  room_name TEXT UNIQUE,
  title TEXT NOT NULL DEFAULT '',
  password TEXT,
  host_key TEXT,
  scheduled_start BIGINT,
  scheduled_end BIGINT,
  actual_start BIGINT,
  actual_end BIGINT,
  status TEXT NOT NULL CHECK (status IN ('scheduled', 'in_progress', 'completed', 'cancelled')),
  access_state TEXT NOT NULL CHECK (access_state IN ('creating', 'open', 'closed', 'expired', 'deleted')),
  access TEXT NOT NULL DEFAULT 'open' CHECK (access IN ('open', 'trusted', 'invited')),
  locked BOOLEAN NOT NULL DEFAULT FALSE,
  max_participants BIGINT NOT NULL,
  settings TEXT NOT NULL DEFAULT '{}',
  expires_at BIGINT,
  participants_count BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  deleted_at BIGINT,
  version BIGINT NOT NULL DEFAULT 1,
  CHECK (scheduled_end > scheduled_start),
  CHECK (platform <> 'heydok' OR code IS NOT NULL)
);
CREATE INDEX video_meetings_expiry ON video_meetings (access_state, expires_at);

-- Codes of deleted meetings, hashed, so that an old link never leads into somebody else's meeting.
CREATE TABLE retired_codes (
  code TEXT NOT NULL PRIMARY KEY,
  until BIGINT NOT NULL
);

CREATE TABLE meeting_instances (
  id TEXT NOT NULL PRIMARY KEY,
  meeting_id TEXT NOT NULL REFERENCES video_meetings (id),
  room_sid TEXT,
  status TEXT NOT NULL CHECK (status IN ('live', 'ended', 'aborted')),
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  end_reason TEXT,
  -- Since when nobody is inside; null while somebody is.
  empty_since BIGINT,
  peak BIGINT NOT NULL DEFAULT 0,
  participants_count BIGINT NOT NULL DEFAULT 0,
  chat_seq BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CHECK ((status = 'live') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX meeting_instances_one_live ON meeting_instances (meeting_id) WHERE ended_at IS NULL;

-- The LiveKit identities a meeting has given out: the constraint behind "unique per meeting".
CREATE TABLE participant_numbers (
  meeting_id TEXT NOT NULL REFERENCES video_meetings (id),
  participant_id TEXT NOT NULL,
  PRIMARY KEY (meeting_id, participant_id)
);

-- A person in an instance. `instance_id` is null from admission until the first connection opens the instance.
CREATE TABLE meeting_participants (
  id TEXT NOT NULL PRIMARY KEY,
  meeting_id TEXT NOT NULL REFERENCES video_meetings (id),
  instance_id TEXT REFERENCES meeting_instances (id),
  participant_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('guest', 'user', 'external', 'recorder')),
  role TEXT NOT NULL CHECK (role IN ('host', 'cohost', 'guest', 'member', 'viewer')),
  name TEXT NOT NULL,
  verified BOOLEAN NOT NULL DEFAULT FALSE,
  audio BOOLEAN NOT NULL DEFAULT FALSE,
  video BOOLEAN NOT NULL DEFAULT FALSE,
  screen BOOLEAN NOT NULL DEFAULT FALSE,
  joined_at BIGINT,
  left_at BIGINT,
  duration_seconds BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (instance_id, participant_id)
);
CREATE UNIQUE INDEX meeting_participants_pending ON meeting_participants (meeting_id, participant_id) WHERE instance_id IS NULL;
CREATE INDEX meeting_participants_meeting ON meeting_participants (meeting_id, participant_id);

-- One admission: a room token and the connections made with it.
CREATE TABLE participant_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  participant_row TEXT NOT NULL REFERENCES meeting_participants (id),
  meeting_id TEXT NOT NULL REFERENCES video_meetings (id),
  participant_id TEXT NOT NULL,
  jti TEXT NOT NULL UNIQUE,
  rejoin TEXT NOT NULL,
  role TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('admitted', 'connected', 'reconnecting', 'left', 'removed')),
  sid TEXT,
  token_issued_at BIGINT NOT NULL,
  token_expires_at BIGINT NOT NULL,
  connected_at BIGINT,
  left_at BIGINT,
  leave_reason TEXT,
  removed_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX participant_sessions_rejoin ON participant_sessions (rejoin);
CREATE INDEX participant_sessions_meeting ON participant_sessions (meeting_id, participant_id);
CREATE INDEX participant_sessions_state ON participant_sessions (meeting_id, state);

CREATE TABLE participant_blocks (
  id TEXT NOT NULL PRIMARY KEY,
  meeting_id TEXT NOT NULL REFERENCES video_meetings (id),
  subject TEXT NOT NULL,
  until BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (meeting_id, subject)
);

CREATE TABLE chat_messages (
  id TEXT NOT NULL PRIMARY KEY,
  instance_id TEXT NOT NULL REFERENCES meeting_instances (id),
  seq BIGINT NOT NULL,
  participant_row TEXT NOT NULL REFERENCES meeting_participants (id),
  to_participant TEXT,
  body TEXT NOT NULL,
  reply_to TEXT,
  client_id TEXT NOT NULL,
  edited_at BIGINT,
  deleted_at BIGINT,
  created_at BIGINT NOT NULL,
  UNIQUE (instance_id, seq),
  UNIQUE (participant_row, client_id)
);

-- What happened in a meeting, append-only: the source of statistics, audit views and "why was it bad for Anna?".
CREATE TABLE timeline (
  id TEXT NOT NULL PRIMARY KEY,
  meeting_id TEXT NOT NULL REFERENCES video_meetings (id),
  instance_id TEXT REFERENCES meeting_instances (id),
  participant_id TEXT,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '{}',
  at BIGINT NOT NULL
);
CREATE INDEX timeline_meeting ON timeline (meeting_id, at);

-- Outbox and event stream. `seq` is assigned inside the one writing transaction, so its order is commit order.
CREATE TABLE events (
  seq BIGINT NOT NULL PRIMARY KEY,
  type TEXT NOT NULL,
  meeting_id TEXT,
  instance_id TEXT,
  audience TEXT NOT NULL DEFAULT '{}',
  data TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX events_meeting ON events (meeting_id, seq);

CREATE TABLE jobs (
  id TEXT NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  dedupe_key TEXT,
  -- Jobs with one order key run one after the other, in the order of `seq`.
  order_key TEXT,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled')),
  priority BIGINT NOT NULL DEFAULT 0,
  run_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  max_attempts BIGINT NOT NULL,
  lease_by TEXT,
  lease_until BIGINT,
  error TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX jobs_dedupe ON jobs (kind, dedupe_key) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_due ON jobs (state, run_at);
CREATE INDEX jobs_order ON jobs (order_key, seq);

CREATE TABLE idempotency_keys (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'done')),
  status BIGINT,
  response TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

-- Append-only, hash-chained: each row's hash covers the row and the hash before it.
CREATE TABLE audit_log (
  seq BIGINT NOT NULL PRIMARY KEY,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  at BIGINT NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT,
  network TEXT,
  action TEXT NOT NULL,
  target_kind TEXT NOT NULL,
  target_id TEXT NOT NULL,
  detail TEXT NOT NULL,
  request_id TEXT
);

CREATE TABLE settings (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Keys that encrypt columns, wrapped by the key derived from ENCRYPTION_KEY.
CREATE TABLE data_keys (
  id TEXT NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  wrapped TEXT NOT NULL,
  kek_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  retired_at BIGINT
);
