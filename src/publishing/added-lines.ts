/**
 * Which lines of each file a patch adds: path -> numbers of new lines, from 1, with their text. Made for `git diff
 * --patch` with the prefixes `a/` and `b/`; what it does not understand it leaves out, and the gate then takes all of
 * that file for new. So a patch made to confuse can hide nothing.
 */
export function readAddedLines(patch: string): Map<string, Map<number, string>> {
  const files = new Map<string, Map<number, string>>();
  let lines: Map<number, string> | null = null;
  let next = 0;
  let oldLeft = 0;
  let newLeft = 0;
  for (const line of patch.split('\n')) {
    if (oldLeft > 0 || newLeft > 0) {
      if (line.startsWith('+')) lines?.set(next, line.slice(1));
      if (!line.startsWith('-') && !line.startsWith('\\')) next += 1;
      if (!line.startsWith('+') && !line.startsWith('\\')) oldLeft -= 1;
      if (!line.startsWith('-') && !line.startsWith('\\')) newLeft -= 1;
      continue;
    }
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk) {
      oldLeft = Number(hunk[1] ?? 1);
      next = Number(hunk[2]);
      newLeft = Number(hunk[3] ?? 1);
    } else if (line.startsWith('diff --git ')) {
      lines = null;
    } else if (line.startsWith('+++ ')) {
      const path = readName(line.slice(4));
      lines = path === null || files.has(path) ? null : new Map();
      if (path !== null && lines !== null) files.set(path, lines);
    }
  }
  return files;
}

/** Git appends a tab to a name with spaces, and puts one with odd characters in quotes, which the gate holds anyway. */
function readName(text: string): string | null {
  const name = text.replace(/\t$/, '');
  if (name.startsWith('"')) return readQuoted(name);
  return name.startsWith('b/') ? name.slice(2) : null;
}

/** `core.quotePath` writes what is not ASCII as octal bytes. */
function readQuoted(text: string): string | null {
  if (!/^"b\/(?:[^"\\]|\\[0-3][0-7]{2}|\\["\\])*"$/.test(text)) return null;
  const bytes = text
    .slice(3, -1)
    .match(/\\[0-7]{3}|\\.|[^\\]/gs)
    ?.map((piece) =>
      /^\\\d/.test(piece) ? Buffer.of(Number.parseInt(piece.slice(1), 8)) : Buffer.from(piece.replace(/^\\/, '')),
    );
  return Buffer.concat(bytes ?? []).toString('utf8');
}
