import type { EventUser } from './answers.ts';

const patterns: [pattern: RegExp, mark: string][] = [
  [/[\w.+-]{1,64}(?:@|%40)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,5}\.[a-z]{2,24}/gi, '[email]'],
  // Of a loopback nothing is told.
  [/(?<![\w.])(?!127\.|0\.0\.0\.0)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.])/g, '[ip]'],
  [/(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?![\w:])/gi, '[ip]'],
  [/(?<![\w:])(?=[0-9a-f:]{0,40}\d)(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?![\w:])/gi, '[ip]'],
];

/** Names of what is a person's, or a secret. */
const sensitive =
  /pass(?:word|wd|phrase|code)?$|secret|token|auth|cookie|session|csrf|xsrf|credential|api[_-]?key|private[_-]?key|e?mail|phone|mobile|^user$|user[_-]?(?:name|id)|^login$|(?:first|last|full|sur|given|family)[_-]?name|address|ssn|birth|^dob$|iban|card|cvv|(?:^|[_.-])ip$|remote[_-]?addr|forwarded/i;

/** Whether what stands under this name is not to be shown. */
export function isSensitive(name: string): boolean {
  return sensitive.test(name);
}

const url = /(?:\b[a-z][a-z0-9+.-]{1,20}:\/)?\/[^\s"'`<>]{0,4000}/gi;
const parameter = /([?&#;])([\w.[\]%-]{1,80})=([^&#;\s]{1,4000})/g;
/** A number, or a word of ours: nobody's name, and no key. */
const harmless = /^(?:-?\d{1,6}|true|false|asc|desc)$/;

/**
 * Takes out of a text what looks like personal data, and what is known to be this user's. Names stay where nobody has said
 * that they are one: what an error says is needed, and a name in it cannot be told from a word.
 */
export function createHider(users: readonly (EventUser | null | undefined)[]): (text: string) => string {
  const known = users.flatMap((user) => [user?.email, user?.ip_address, user?.username, user?.name, user?.id]);
  const values = known.map((value) => String(value ?? '').trim()).filter((value) => value.length >= 3);
  const unique = [...new Set(values)]
    .sort((a, b) => b.length - a.length)
    .map((value) => {
      return new RegExp(`(?<![\\w])${value.slice(0, 300).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}(?![\\w])`, 'gi');
    });
  return (text) => {
    let left = text.replace(url, (found) =>
      found.replace(parameter, (_, sign, name, value) => {
        return `${sign}${name}=${harmless.test(value) && !isSensitive(name) ? value : '[hidden]'}`;
      }),
    );
    for (const pattern of unique) left = left.replace(pattern, '[user]');
    for (const [pattern, mark] of patterns) left = left.replace(pattern, mark);
    return left;
  };
}
