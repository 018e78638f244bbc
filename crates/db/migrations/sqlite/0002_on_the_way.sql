-- Since when somebody who has a token is on the way to the room: their seat is kept for a minute. Null once they are there.
ALTER TABLE participant_sessions ADD COLUMN on_the_way_since BIGINT;
UPDATE participant_sessions SET on_the_way_since = token_issued_at WHERE state = 'admitted';
