import { splitRecords } from './names.ts';

/** One file that a change touches, as `git diff --raw` has it. */
export interface Change {
  /** A added, M modified, D deleted, R renamed, C copied, T type changed. */
  status: string;
  /** A name that is not UTF-8 has U+FFFD in it: whoever decides on changes refuses it. */
  path: string;
  /** Where a renamed or copied file came from. */
  oldPath: string | null;
  /** Octal: 100644, 100755 executable, 120000 symbolic link, 160000 another repository, 000000 nothing. */
  oldMode: string;
  newMode: string;
  oldSha: string;
  newSha: string;
  /** Of the new content; 0 when there is none. */
  bytes: number;
  /** Lines; null for what is not text. */
  added: number | null;
  deleted: number | null;
}

/** What `diff-tree --raw --numstat -z` says. `bytes` is left 0. */
export function parseChanges(output: Buffer): Change[] {
  const records = splitRecords(output);
  const changes: Change[] = [];
  const counts: { added: number | null; deleted: number | null }[] = [];
  for (let at = 0; at < records.length; ) {
    const record = records[at++] ?? Buffer.alloc(0);
    if (record[0] === 0x3a /* : */) {
      const [oldMode = '', newMode = '', oldSha = '', newSha = '', letter = ''] = record
        .subarray(1)
        .toString('latin1')
        .split(' ');
      const status = letter.slice(0, 1);
      const first = nameOf(records[at++]);
      const second = status === 'R' || status === 'C' ? nameOf(records[at++]) : null;
      changes.push({
        status,
        path: second ?? first,
        oldPath: second === null ? null : first,
        ...{ oldMode, newMode, oldSha, newSha },
        ...{ bytes: 0, added: null, deleted: null },
      });
    } else {
      const [added = '', deleted = '', path = ''] = record.toString('latin1').split('\t');
      if (path === '') at += 2; // a rename: both names follow
      counts.push({ added: count(added), deleted: count(deleted) });
    }
  }
  // Git lists both in the same order.
  return changes.map((change, index) => ({ ...change, ...counts[index] }));
}

function count(text: string): number | null {
  return text === '-' ? null : Number.parseInt(text, 10);
}

function nameOf(record: Buffer | undefined): string {
  return record?.toString('utf8') ?? '';
}
