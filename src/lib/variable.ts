/** A setting that comes from the environment. */
export interface Variable<Name extends string = string> {
  name: Name;
  /** A sentence, for the README's table. */
  meaning: string;
  /** What it holds must not leave the service: the value, or several values with commas between them. */
  secret?: 'value' | 'list';
  /**
   * By what it is known when somebody writes it into shipmate.yaml: a key's path there (in lower case, letters and dots only),
   * or the value itself. Of several variables that fit, the last is meant.
   */
  inFile?: { path?: RegExp; value?: RegExp };
}

/** What a variable holds that may hold several. */
export function listSecrets(value: string | null): string[] {
  return (value ?? '').split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
}

/** Whether secrets may be sent there: over HTTPS, or to this machine. */
export function isReachable(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
