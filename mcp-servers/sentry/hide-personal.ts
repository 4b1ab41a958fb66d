import type { EventUser } from './answers.ts';

const patterns: [pattern: RegExp, mark: string, isOne?: (found: string) => boolean][] = [
  [
    /[\p{L}\p{N}_][\p{L}\p{N}_.+'-]{0,63}(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,5}\.\p{L}{2,24}/gu,
    '[email]',
  ],
  // Of a loopback nothing is told.
  [
    /(?<!\w|\d\.)(?!127\.|0\.0\.0\.0)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)/g,
    '[ip]',
  ],
  [/(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?![\w:])/gi, '[ip]'],
  [/(?<![\w:])(?=[0-9a-f:]{0,40}\d)(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?![\w:])/gi, '[ip]'],
  [/(?<![\w.+-])[2-6](?:[ -]?\d){12,18}(?![\w-])/g, '[card]', isCard],
  [/\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g, '[iban]', isIban],
  [/(?<![\w+])\+[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)/g, '[phone]'],
  [/(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])/g, '[ssn]'],
];

/** By its check digit (Luhn): most long numbers are no cards. */
function isCard(found: string): boolean {
  const digits = [...found.replace(/\D/g, '')].map(Number).reverse();
  const sum = digits.reduce((all, digit, place) => {
    const doubled = digit * 2;
    return all + (place % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

/** By its check digits (ISO 7064, mod 97). */
function isIban(found: string): boolean {
  const plain = found.replaceAll(' ', '');
  const digits = `${plain.slice(4)}${plain.slice(0, 4)}`.replace(/[A-Z]/g, (letter) => String(parseInt(letter, 36)));
  return BigInt(digits) % 97n === 1n;
}

/** Names of what is a person's, or a secret. */
const sensitive = new RegExp(
  [
    /pass$|passw(?:or)?d|passphrase|passcode|passport|pwd|secret|token|auth(?!ors?(?:$|[_-]))|cookie|session|sessid|^sid$|csrf|xsrf|credential/,
    /(?:^|[_-])(?:creds?|otp|pin)$|jwt|bearer|signature|(?:api|access|private|signing|encryption)[_-]?key|dsn$|connection[_-]?string/,
    /e?mail|phone|mobile|^user$|user[_-]?(?:name|id)|^login$|(?:first|last|full|sur|given|family|nick|customer|contact|holder)[_-]?name/,
    /address|street|(?:^|[_-])zip$|(?:zip|post(?:al)?)[_-]?code|ssn|birth|^dob$|iban|card|cvv|cvc|(?:cc|account)[_-]?num|(?:^|[_.-])ip$/,
    /(?:client|remote|user|source|peer)[_-]?ip$|remote[_-]?addr|forwarded/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

/** Whether what stands under this name is not to be shown. */
export function isSensitive(name: string): boolean {
  return sensitive.test(name);
}

const url = /(?:\b[a-z][a-z0-9+.-]{1,20}:\/)?\/[^\s"'`<>]{0,4000}/gi;
const parameter = /([?&#;])([\w.[\]%-]{1,80})=([^&#;\s]{1,4000})/g;
/** A number, or a word of ours: nobody's name, and no key. */
const harmless = /^(?:-?\d{1,6}|true|false|asc|desc)$/;

/** As programs print what they hold, and code sets it. */
const quoted = /(?<![\w.-])([\w.-]{1,80})(["']?\s{0,3}[:=]>?\s{0,3})(["'])((?:\\.|(?!\3)[^\\\n]){1,400})\3/g;
const bare = /(?<![\w.-])([\w.-]{1,80})(=|:\s{0,3})([^\s"'`,;(){}[\]<>]{1,400})/g;
const empty = /^(?:null|none|nil|undefined|true|false)$/i;

function hideNamed(text: string): string {
  return text
    .replace(quoted, (found, name, sign, quote) =>
      isSensitive(name) ? `${name}${sign}${quote}[hidden]${quote}` : found,
    )
    .replace(bare, (found, name, sign, value) => {
      if (!isSensitive(name) || empty.test(value)) return found;
      // Where code hands something on, and in a sentence, it is a word.
      const isWord =
        sign === '=' ? isSensitive(value) && !/\d/.test(value) : !/^(?!0x)(?=.*\d)(?=.*[a-z]).{6}/i.test(value);
      return isWord ? found : `${name}${sign}[hidden]`;
    });
}

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
    left = hideNamed(left);
    for (const pattern of unique) left = left.replace(pattern, '[user]');
    for (const [pattern, mark, isOne = () => true] of patterns)
      left = left.replace(pattern, (found) => (isOne(found) ? mark : found));
    return left;
  };
}
