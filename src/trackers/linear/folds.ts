import { createFenceReader } from '../../core/markdown.ts';

/**
 * What is folded away: to Linear it is `+++ Title`, on a line of its own, up to a line `+++`; to everybody else HTML's
 * `<details>`. What stands in code is neither, and a fold within a fold stays as it is written.
 */
interface Fold {
  /** Where its text begins if it begins in this line; null: it does not. */
  begins(lines: readonly string[], at: number): { title: string; from: number } | null;
  ends(line: string): boolean;
  write(title: string): [before: string, after: string];
}

const linear: Fold = {
  begins(lines, at) {
    const title = /^\+\+\+[ \t]+(\S.*)$/.exec(lines[at] ?? '')?.[1];
    return title === undefined ? null : { title: title.trim(), from: at + 1 };
  },
  ends: (line) => /^\+\+\+\s*$/.test(line),
  write: (title) => [`+++ ${title}`, '+++'],
};

const html: Fold = {
  begins(lines, at) {
    if (!/^\s{0,3}<details\b[^>]*>/i.test(lines[at] ?? '')) return null;
    // The summary may stand in the same line or in the next.
    for (const from of [at + 1, at + 2]) {
      const text = lines.slice(at, from).join('\n');
      const [, title = ''] = /^\s*<details\b[^>]*>\s*<summary>([^\n]*?)<\/summary>\s*$/i.exec(text) ?? [];
      const plain = title.replace(/<[^>]*>/g, '').replace(/&(lt|gt|amp);/g, (_, name: string) => signs[name] ?? '');
      if (plain.trim() !== '') return { title: plain.trim(), from };
    }
    return null;
  },
  ends: (line) => /^\s{0,3}<\/details>\s*$/i.test(line),
  write: (title) => [`<details><summary>${title.replace(/[<>&]/g, escaped)}</summary>`, '</details>'],
};

const signs: Record<string, string> = { lt: '<', gt: '>', amp: '&' };

function escaped(sign: string): string {
  const [name] = Object.entries(signs).find(([, each]) => each === sign) ?? [];
  return `&${name};`;
}

/** As Linear has it. */
export function foldForLinear(text: string): string {
  return /<details/i.test(text) ? convert(text, html, linear) : text;
}

/** As all others have it. */
export function unfoldFromLinear(text: string): string {
  return text.includes('+++ ') ? convert(text, linear, html) : text;
}

function convert(text: string, from: Fold, to: Fold): string {
  const lines = text.split('\n');
  const isCode = lines.map(createFenceReader());
  const begins = (at: number) => (isCode[at] ? null : from.begins(lines, at));
  /** -1: it never ends, or something in it would be taken for an end. */
  const endOf = (at: number): number => {
    for (let next = at; next < lines.length; next++) {
      if (isCode[next]) continue;
      if (from.ends(lines[next] ?? '')) return next;
      if (begins(next) || to.begins(lines, next) || to.ends(lines[next] ?? '')) return -1;
    }
    return -1;
  };
  const written: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fold = begins(at);
    const end = fold ? endOf(fold.from) : -1;
    if (!fold || end === -1) {
      written.push(lines[at] ?? '');
      continue;
    }
    const [before, after] = to.write(fold.title);
    const inner = lines.slice(fold.from, end).join('\n');
    written.push(before, '', inner.replace(/^\s*\n/, '').trimEnd(), '', after);
    at = end;
  }
  return written.join('\n');
}
