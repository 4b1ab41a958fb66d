export interface RawLine {
  /** When it was written, as `2026-01-31T12:00:00`, UTC, so that two compare as texts; '' where it does not say. */
  at: string;
  text: string;
}

const timestamp = /^\ufeff?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z ?/;

// As ECMA-48 has them: CSI, OSC (title, hyperlink) up to its end, and short escapes.
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]|[ -/]+[0-~])/g;

/** What nobody sees: controls, bidi controls, zero-width characters, tags. */
const unseen = /(?!\t)[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu;

const longest = 4_096;

/** Without the time, colours and what a progress bar has overwritten. */
export function cleanLine(raw: string): RawLine {
  const stamp = timestamp.exec(raw);
  let text = stamp === null ? raw : raw.slice(stamp[0].length);
  text = withoutEscapes(text);
  if (text.includes('\r')) {
    if (text.endsWith('\r')) text = text.slice(0, -1);
    text = text.slice(text.lastIndexOf('\r') + 1);
  }
  return { at: stamp?.[1] ?? '', text: text.length > longest ? text.slice(0, longest) : text };
}

/** Without colours and other orders to a terminal. */
export function withoutEscapes(text: string): string {
  return text.includes('\x1b') ? text.replace(escapes, '') : text;
}

/** Of a line that is shown. Dear, so not for each line of a long log. */
export function withoutUnseen(text: string): string {
  return text.toWellFormed().replace(unseen, '');
}
