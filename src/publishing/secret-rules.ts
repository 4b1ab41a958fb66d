/** Patterns of our own, for what the secretlint preset does not know or takes too strictly. All bounded, so linear in time. */
export interface SecretRule {
  /** With an article: "a Google API key". */
  what: string;
  /** Global. A group named `value` is the secret; without one the whole match is. */
  pattern: RegExp;
  accept?(value: string, context: { path: string; match: RegExpExecArray }): boolean;
}

const secretWords =
  'password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|auth[_-]?key';

export const secretRules: SecretRule[] = [
  {
    what: 'a private key',
    pattern:
      /-----BEGIN ?(?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?<value>(?:[A-Za-z0-9+/=\s,:-]|\\[nr]){64,200})/g,
    accept: (value) => entropyOf(value.replace(/\\[nr]|\s/g, '')) > 4,
  },
  {
    what: 'a JSON Web Token',
    pattern: /\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,8000}\.(?<value>[\w-]{20,2000})/g,
    accept: (value) => value !== 'SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c', // jwt.io's own example
  },
  { what: 'a Google API key', pattern: /\bAIza[\w-]{35}(?![\w-])/g },
  { what: 'a Google OAuth secret', pattern: /\bGOCSPX-[\w-]{28}(?![\w-])/g },
  // People's (ATATT3), an organisation's and a repository's (ATCTT3); then the secrets of OAuth apps.
  { what: 'an Atlassian API token', pattern: /\bAT[AC]TT3[\w=-]{60,400}/g },
  { what: 'an Atlassian OAuth secret', pattern: /\bATOA(?=[\w-]{0,60}\d)[\w-]{40,200}(?:=[0-9A-F]{8})?/g },
  { what: 'a Sentry token', pattern: /\bsntr(?:ys_[\w=+/-]{60,500}|y[aiu]_[a-f0-9]{64})/g },
  { what: 'a Linear token', pattern: /\blin_(?:api|oauth)_[A-Za-z0-9]{32,80}/g },
  { what: 'a personal token of Shipmate', pattern: /\bshp_[\w-]{43}(?![\w-])/g },
  {
    what: 'a GitHub token',
    // What an App is given (ghs) has dots in it and some 520 characters.
    pattern: /\b(?:gh[pour]_[A-Za-z0-9]{36,251}|ghs_[A-Za-z0-9._-]{36,1000}|github_pat_[A-Za-z0-9_]{70,100})/g,
  },
  {
    what: 'an AWS access key',
    pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
    accept: (value) => !value.endsWith('EXAMPLE'),
  },
  { what: 'an Azure storage key', pattern: /\bAccountKey=(?<value>[A-Za-z0-9+/]{86}==)/g },
  {
    what: 'a package registry token',
    pattern: /_auth(?:Token)?\s{0,3}=\s{0,3}(?<value>[^\s$"']{16,400})/g,
    accept: (value) => isRandom(value, ''),
  },
  {
    what: 'a password in a URL',
    pattern:
      /\b[a-z][a-z0-9+.-]{1,20}:\/\/(?<user>[^\s:/@"'`<>]{0,100}):(?<value>[^\s/@"'`<>]{6,200})@(?<host>[\w.-]{1,200})/gi,
    accept: (value, { match }) => isUrlPassword(value, match.groups?.user ?? '', match.groups?.host ?? ''),
  },
  {
    what: 'a secret in an assignment',
    pattern: new RegExp(
      `(?<name>(?:${secretWords})[\\w-]{0,30})["'\`]?\\s{0,5}(?::\\s{0,3}\\w{1,30}\\s{0,3})?(?:=>|:=|=|:)\\s{0,5}(?<quote>["'\`])(?<value>[^"'\`\\s]{8,400})\\k<quote>`,
      'gi',
    ),
    accept: (value, { path, match }) =>
      !isAbout(match) && (value.length < 16 ? isStrongPassword(value) && !isTest(path) : isRandom(value, path)),
  },
  {
    what: 'a secret in a settings file',
    pattern: new RegExp(
      `^[ \\t]{0,40}(?:export[ \\t]{1,5}|-[ \\t]{1,5}|ENV[ \\t]{1,5})?[\\w.-]{0,60}?(?<name>(?:${secretWords})[\\w-]{0,30})[ \\t]{0,5}[=:][ \\t]{0,5}(?<value>[^\\s"'\`#]{12,400})[ \\t]{0,5}$`,
      'gim',
    ),
    accept: (value, { path, match }) =>
      !isAbout(match) &&
      /(^|\/)\.?env\b|\.(env|properties|ini|cfg|conf|toml|ya?ml|sh|tfvars)$|dockerfile/i.test(path) &&
      isRandom(value, path),
  },
];

const placeholder =
  /example|sample|placeholder|change[-_]?me|your|dummy|fake|mock|test|redacted|insert|replace|todo|foo|x{4}|\*{3}|\.{3}|0{6}|123456|abcdef|process\.env|environ|\$[{(A-Za-z_]|\{\{|[<({]|^%|^\/|:\/\//i;

/** `token_id`, `passwordHash`, `secret-name`: tells of a secret, and is none. */
function isAbout(match: RegExpExecArray): boolean {
  const name = match.groups?.name ?? '';
  return /(id|hash|digest|name|path|file|url|uri|type|header|field|label|version|ref|arn|pattern|prefix)s?$/i.test(
    name,
  );
}

/** Made by a machine: no words, letters and digits mixed, much information in each character. */
function isRandom(value: string, path: string): boolean {
  if (placeholder.test(value) || isWords(value) || !/\d/.test(value) || !/[a-z]/i.test(value)) return false;
  return isTest(path) ? value.length >= 24 && entropyOf(value) >= 4 : entropyOf(value) >= 3.3;
}

/** Identifiers, translation keys, file names: words with at most a few digits at their ends. */
function isWords(value: string): boolean {
  return value.split(/[^A-Za-z0-9]+/).every((part) => /^([A-Z]?[a-z]{2,}|[A-Z]{2,}|[a-zA-Z])*\d{0,3}$/.test(part));
}

function isStrongPassword(value: string): boolean {
  const classes = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((expression) => expression.test(value)).length;
  return classes >= 3 && !placeholder.test(value) && !isWords(value) && !/passw/i.test(value);
}

/** Passwords for a database on one's own machine are written everywhere, and open nothing. */
function isUrlPassword(password: string, user: string, host: string): boolean {
  if (password === user || /^\$|[{}$<>*]|%[A-Z_]+%/.test(password)) return false;
  if (
    /^(.)\1+$|^(my|your|db|the)?[-_]?(password|passwd|pass|secret|token|changeme|postgres|root|admin|user|hunter2)\d{0,3}$/i.test(
      password,
    )
  )
    return false;
  if (/(^|\.)example\.(com|org|net)$/i.test(host) && isWords(password)) return false;
  const isRemote = host.includes('.') && !/^(127\.|0\.0\.0\.0)|\.(internal|local|test)$/.test(host);
  return isRemote || isRandom(password, '');
}

function isTest(path: string): boolean {
  return /(^|[/._-])(tests?|specs?|fixtures?|mocks?|__tests__|testdata|examples?|docs?|e2e|snapshots?)([/._-]|$)/i.test(
    path,
  );
}

/** Bits in each character, by how often each occurs (Shannon). */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - (count / text.length) * Math.log2(count / text.length), 0);
}
