/** What a write does, as `write_1` is told. */
export const PUT = 1;
export const DELETE = 2;
export const APPEND = 3;
export const TRIM = 4;
/** Changes nothing; answers with the last revision, or a stream's head, as of the writes before it. */
export const LAST_REVISION = 5;
export const HEAD = 6;

/** The kinds of value in a row; `DELETED` stands in the history only. */
export const JSON_TEXT = 0;
export const BYTES = 1;
export const DELETED = 2;

/** Changes kept for watchers that come back, and how many older ones are dropped at once. */
const HISTORY = 10_000;
const DROP = 500;
/** Expired keys taken out by one batch. */
const SWEPT = 500;

/**
 * The one way to write: a batch in one statement, which is one transaction and one trip. It locks the row of `state` first, so that batches of all
 * processes follow one another: revisions grow as they are committed, offsets have no gaps, and whoever reads up to a revision has seen all before.
 * Each write has an answer of its own: `refused` when it expected another state, then `at` is the present one; else `at` is its revision or first offset.
 * A trim, whose `expected` is the first offset to keep, must come first in its batch. Times are milliseconds since the Unix epoch; `now` is the server's own when it is null.
 */
export function writeFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.write_1(now bigint, ops smallint[], names bytea[], expected bigint[], ttls bigint[], kinds smallint[], contents bytea[], counts integer[],
  record_places integer[], record_numbers integer[], record_kinds smallint[], record_values bytea[])
RETURNS TABLE (refused boolean, at bigint) LANGUAGE plpgsql SET search_path = ${schema}, pg_temp AS $$
#variable_conflict use_column
DECLARE
  clock bigint;
  last_revision bigint;
  last_dropped bigint;
  first_revision bigint;
  one record;
  present bigint;
  ends bigint;
  stream_id bigint;
  accepted_places integer[] := '{}';
  accepted_streams bigint[] := '{}';
  accepted_heads bigint[] := '{}';
BEGIN
  SELECT revision, dropped INTO last_revision, last_dropped FROM state FOR UPDATE;
  first_revision := last_revision;
  clock := coalesce(now, floor(extract(epoch FROM clock_timestamp()) * 1000));

  FOR one IN SELECT key FROM entry WHERE expires <= clock ORDER BY expires LIMIT ${SWEPT} LOOP
    DELETE FROM entry WHERE key = one.key;
    last_revision := last_revision + 1;
    INSERT INTO change (revision, key, kind) VALUES (last_revision, one.key, ${DELETED});
  END LOOP;

  FOR one IN SELECT * FROM unnest(ops, names, expected, ttls, kinds, contents, counts) WITH ORDINALITY
      AS write (op, name, expected, ttl, kind, value, count, place) ORDER BY place LOOP
    refused := false;
    IF one.op IN (${PUT}, ${DELETE}) THEN
      SELECT revision, expires INTO present, ends FROM entry WHERE key = one.name;
      IF ends <= clock THEN
        DELETE FROM entry WHERE key = one.name;
        last_revision := last_revision + 1;
        INSERT INTO change (revision, key, kind) VALUES (last_revision, one.name, ${DELETED});
        present := 0;
      END IF;
      present := coalesce(present, 0);
      IF one.expected <> present THEN
        refused := true;
        at := present;
      ELSIF one.op = ${PUT} THEN
        last_revision := last_revision + 1;
        INSERT INTO entry (key, kind, value, revision, expires) VALUES (one.name, one.kind, one.value, last_revision, clock + one.ttl)
          ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, value = excluded.value, revision = excluded.revision, expires = excluded.expires;
        INSERT INTO change (revision, key, kind, value) VALUES (last_revision, one.name, one.kind, one.value);
        at := last_revision;
      ELSIF present = 0 THEN
        at := 0;
      ELSE
        DELETE FROM entry WHERE key = one.name;
        last_revision := last_revision + 1;
        INSERT INTO change (revision, key, kind) VALUES (last_revision, one.name, ${DELETED});
        at := last_revision;
      END IF;
    ELSIF one.op = ${APPEND} THEN
      SELECT id, head INTO stream_id, present FROM stream WHERE name = one.name;
      present := coalesce(present, 0);
      IF one.expected <> present THEN
        refused := true;
        at := present;
      ELSE
        IF stream_id IS NULL THEN
          INSERT INTO stream (name, head) VALUES (one.name, one.count) RETURNING id INTO stream_id;
        ELSE
          UPDATE stream SET head = present + one.count WHERE id = stream_id;
        END IF;
        accepted_places := accepted_places || one.place::integer;
        accepted_streams := accepted_streams || stream_id;
        accepted_heads := accepted_heads || present;
        at := present + 1;
      END IF;
    ELSIF one.op = ${TRIM} THEN
      DELETE FROM record WHERE stream = (SELECT id FROM stream WHERE name = one.name) AND place < one.expected;
      at := 0;
    ELSIF one.op = ${HEAD} THEN
      at := coalesce((SELECT head FROM stream WHERE name = one.name), 0);
    ELSE
      at := last_revision;
    END IF;
    RETURN NEXT;
  END LOOP;

  IF array_length(accepted_places, 1) > 0 THEN
    INSERT INTO record (stream, place, time, kind, value)
      SELECT accepted.stream, accepted.head + written.number, clock, written.kind, written.value
      FROM unnest(record_places, record_numbers, record_kinds, record_values) AS written (place, number, kind, value)
      JOIN unnest(accepted_places, accepted_streams, accepted_heads) AS accepted (place, stream, head) USING (place);
  END IF;
  IF last_revision > first_revision THEN
    IF last_revision - last_dropped >= ${HISTORY + DROP} THEN
      last_dropped := last_revision - ${HISTORY};
      DELETE FROM change WHERE revision <= last_dropped;
    END IF;
    UPDATE state SET revision = last_revision, dropped = last_dropped;
  END IF;
  IF last_revision > first_revision OR array_length(accepted_places, 1) > 0 THEN
    PERFORM pg_notify('${schema}', '');
  END IF;
END
$$;`;
}
