import { createHash } from 'node:crypto';

/*
 * A text of ours carries one mark, `shipmate <version> <hash>`: the hash is of the text without it. So one that people have
 * edited is known as theirs, and one that only another version has marked is not written anew.
 */

const pattern = /shipmate (\d+\.\d+\.\d+[\w.-]*) ([0-9a-f]{12})/;
const hole = 'shipmate 0.0.0 000000000000';

/** Where a template wants its mark. */
export const markHere = hole;

/** `template` with its mark in place of `markHere`. */
export function stamp(template: string, version: string): string {
  return template.replace(hole, `shipmate ${version} ${hashOf(template)}`);
}

/** What `found` is to the text that we would write: `theirs` has no mark, `edited` is ours and changed by people since. */
export function compareMarked(found: string, wanted: string): 'current' | 'old' | 'edited' | 'theirs' {
  const [, , hash] = pattern.exec(found) ?? [];
  if (hash === undefined) return 'theirs';
  const unmarked = normal(found);
  if (hashOf(unmarked) !== hash) return 'edited';
  return unmarked === normal(wanted) ? 'current' : 'old';
}

/** Line ends are what git makes of them, on other machines. */
function normal(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(pattern, hole);
}

function hashOf(unmarked: string): string {
  return createHash('sha256').update(unmarked).digest('hex').slice(0, 12);
}
