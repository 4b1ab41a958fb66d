import { stripVTControlCharacters } from 'node:util';
import { cutMiddle, grouped } from '../core/cut-text.ts';

/** Characters of one tool result that the model is shown. */
export const shownOutput = 16_000;

/** What a program wrote, as text: no colours, of a progress bar only its last state, nothing that JSON or PostgreSQL refuses. */
export function outputText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return stripVTControlCharacters(text)
    .split('\n')
    .map((line) => {
      const ended = line.endsWith('\r') ? line.slice(0, -1) : line;
      return ended.slice(ended.lastIndexOf('\r') + 1);
    })
    .join('\n')
    .replaceAll('\0', '\ufffd')
    .trimEnd();
}

export function cutOutput(text: string, whereTheRestIs: string): string {
  return cutMiddle(text, shownOutput, (leftOut) => `[${grouped(leftOut)} characters left out; ${whereTheRestIs}]`);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
