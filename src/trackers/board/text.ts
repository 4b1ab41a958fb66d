import { VendorError } from '../../core/vendor-error.ts';

const maxBytes = 1024 * 1024;
const maxLine = 500;

/** A text as a person wrote it, unchanged. Refuses what PostgreSQL cannot hold and what is too long to work with. */
export function checkText(text: string, what: string): string {
  if (text.includes('\0')) throw invalid(`The ${what} contains a NUL character. Remove it; is it a binary file?`);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes)
    throw invalid(
      `The ${what} has ${(bytes / maxBytes).toFixed(1)} MB; 1 MB is the limit. Put the long part into a file and name it.`,
    );
  return text;
}

/** A short text on one line (a title, a label, a name), without the white space around it. */
export function checkLine(text: string, what: string): string {
  const line = checkText(text, what).trim();
  if (line === '') throw invalid(`The ${what} is empty. Give it some text.`);
  if (/[\n\r]/.test(line)) throw invalid(`The ${what} has more than one line. Keep it to one.`);
  if (line.length > maxLine)
    throw invalid(`The ${what} has ${line.length} characters; ${maxLine} is the limit. Shorten it.`);
  return line;
}

/** The same of what the agent writes, which is cut instead of refused. */
export function cutLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > maxLine ? `${line.slice(0, maxLine - 1).replace(/[\ud800-\udbff]$/, '')}…` : line;
}

export function invalid(message: string): VendorError {
  return new VendorError(message, { code: 'invalid', retryable: false });
}
