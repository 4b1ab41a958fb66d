import type pg from 'pg';

/**
 * Sessions of the past, from number `from` + 1 to `to`, in realistic proportions with small bodies: nearly all at rest, all
 * that they said sent, their deliveries sorted. Nothing of them is left to do, as after tidying.
 */
export async function fill(database: pg.Client, from: number, to: number): Promise<void> {
  // The rows refer to each other by construction; checking 20 million references would take longer than writing them.
  await database.query('set session_replication_role = replica');
  for (let begin = from; begin < to; begin += batch) {
    const range = [begin + 1, Math.min(begin + batch, to)];
    for (const statement of statements) await database.query(statement, range);
  }
  await database.query('set session_replication_role = origin');
  await database.query('vacuum analyze');
  await database.query('checkpoint');
}

const batch = 20_000;
const id = (what: string, number = 'n') => `md5('${what}' || ${number})::uuid`;
const then = `now() - make_interval(secs => 30 * 86400 + 2000000 - n * 2)`;
const each = 'generate_series($1::int, $2::int) n';

const statements = [
  `insert into deliveries (source, delivery_id, headers, body, received_at, sorted_at, outcome)
   select 'board', 'OLD-' || n || '/' || i, '{"content-type":"application/json"}', convert_to(repeat('x', 300), 'utf8'), ${then}, ${then}, 'nothing for us'
   from ${each}, generate_series(1, 2) i`,
  `insert into tickets (id, tracker, external_id, identifier, hint)
   select ${id('ticket')}, 'board', 'old-' || n, 'OLD-' || n,
     json_build_object('tracker', 'board', 'id', 'old-' || n, 'identifier', 'OLD-' || n, 'title', 'Old work ' || n, 'url', 'board://OLD-' || n, 'priority', 'none', 'team', null, 'ref', json_build_object('number', n))
   from ${each}`,
  `insert into sessions (id, ticket_id, state, repository, branch, head_commit, pull_request, created_at, updated_at)
   select ${id('session')}, ${id('ticket')}, (array['complete','complete','complete','complete','complete','complete','complete','awaitingInput','error','stopped'])[n % 10 + 1],
     'project', 'shipmate/old-' || n, md5(n::text), json_build_object('number', n, 'url', 'x'), ${then}, ${then}
   from ${each}`,
  `insert into conversations (id, session_id, key, ref)
   select ${id('conversation')}, ${id('session')}, 'board:' || n, '{}' from ${each}`,
  `insert into prompts (id, session_id, conversation_id, key, author, body, said_at, read_at)
   select ${id('prompt')}, ${id('session')}, ${id('conversation')}, 'c' || n, '{"id":"ada","name":"Ada","isBot":false}', 'Please go on.', ${then}, ${then} from ${each}`,
  `insert into runs (id, session_id, number, attempt, queued_at, started_at, ended_at, outcome)
   select ${id('run')}, ${id('session')}, 1, 1, ${then}, ${then}, ${then}, '{"stopReason":"finished","message":"Done."}' from ${each}`,
  `insert into steps (id, run_id, session_id, kind, key, attempt, input, result, begun_at, completed_at)
   select ${id('step', "n || '/' || i")}, ${id('run')}, ${id('session')}, (array['model','tool'])[i % 2 + 1], 'turn:' || i, 1, '{"a":1}', '{"text":"some words of a result"}', ${then}, ${then}
   from ${each}, generate_series(1, 4) i`,
  `insert into usage (id, session_id, run_id, step_id, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, created_at)
   select ${id('usage', "n || '/' || i")}, ${id('session')}, ${id('run')}, ${id('step', "n || '/' || i * 2")}, 'm', 1, 1, 1, 1, ${then}
   from ${each}, generate_series(1, 2) i`,
  `insert into activities (id, session_id, run_id, conversation_id, activity, created_at)
   select ${id('activity', "n || '/' || i")}, ${id('session')}, ${id('run')}, ${id('conversation')}, '{"type":"thought","body":"Reading the code."}', ${then}
   from ${each}, generate_series(1, 4) i`,
  `insert into effects (id, session_id, run_id, key, lane, operation, state, tries, created_at, settled_at, result)
   select ${id('effect', "n || '/' || i")}, ${id('session')}, ${id('run')}, ${id('session')} || '/effect/' || i, case i when 5 then 'code' else 'ticket' end,
     '{"kind":"postActivity","id":"x","conversation":null,"activity":{"type":"thought","body":"Reading the code."}}', 'done', 1, ${then}, ${then}, '{}'
   from ${each}, generate_series(1, 5) i`,
  `insert into evidence (id, session_id, run_id, evidence)
   select ${id('evidence')}, ${id('session')}, ${id('run')}, '{"type":"command","command":"npm test"}' from ${each}`,
];
