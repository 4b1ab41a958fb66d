const words = 'password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?';

/**
 * Each bounded, so linear in time. A group named `keep` stays before the mark. What the runner has masked itself (`***`)
 * holds nothing to find, and stays.
 */
const patterns: RegExp[] = [
  // The stateless format of 2026 has some 520 characters, dots among them.
  /\bgh[pousr]_[A-Za-z0-9._-]{36,4000}/g,
  /\bgithub_pat_[A-Za-z0-9_]{22,251}/g,
  /\bv1\.[0-9a-f]{40}\b/g,
  /\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[\w-]{20,300}/g,
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g,
  /\bAIza[\w-]{35}/g,
  /\bGOCSPX-[\w-]{28}/g,
  /\bxox[abeoprs]-[\w-]{10,300}/g,
  /\bhooks\.slack\.com\/(?:services|workflows)\/[\w/-]{20,200}/g,
  /\b(?:sk|rk)[-_](?=[\w-]{0,60}\d)[\w-]{20,300}/g,
  /\bnpm_[A-Za-z0-9]{36}/g,
  /\bpypi-[\w-]{50,300}/g,
  /\bdckr_(?:pat|oat)_[\w-]{20,100}/g,
  /\bhf_[A-Za-z0-9]{30,60}/g,
  /\blin_(?:api|oauth)_[A-Za-z0-9]{32,80}/g,
  /\bshp_[\w-]{43}/g,
  /\bAT[AC]TT3[\w=-]{60,400}/g,
  /\bATOA(?=[\w-]{0,60}\d)[\w-]{40,200}(?:=[0-9A-F]{8})?/g,
  // Of services that give their tokens a name of their own; the shorter the name, the more must fit behind it.
  /(?<![\w-])(?:do[opr]_v1_|rubygems_|dapi|sbp_|shp(?:at|ca|pa|ss)_|pul-|key-|SK)[0-9a-f]{32,80}\b/g,
  /\b(?:hv[sbr]\.|glsa_|nfp_|pscale_(?:tkn|pw|oauth)_|gsk_|fig[dour]_|dp\.(?:pt|st|ct|sa|scim|audit)\.|fm[12]_|ya29\.|1\/\/0|EAAA|NRAK-|PMAK-|AGE-SECRET-KEY-1)[\w.+/=-]{24,2000}/g,
  /\bSG\.[\w-]{16,64}\.[\w-]{16,64}/g,
  /\b\w{14}\.atlasv1\.[\w-]{60,100}/g,
  /\bsk\.eyJ[\w-]{20,300}\.[\w-]{20,100}/g,
  /\b\d{8,10}:AA[\w-]{32,34}(?![\w-])/g,
  /\b[MNO](?=[\w-]{0,27}\d)[\w-]{22,28}\.[\w-]{6,7}\.[\w-]{27,45}(?![\w-])/g,
  /(?<keep>\bdiscord(?:app)?\.com\/api\/webhooks\/\d{10,30}\/)[\w-]{40,100}/g,
  /\bsntry[aisu]_[\w=+/-]{40,500}/g,
  /\beyJ[\w-]{10,2000}(?:\.[\w-]{0,4000}){1,3}\.[\w-]{10,2000}/g,
  /(?<keep>\b(?:proxy-)?authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:(?:bearer|basic|token|digest|aws4-hmac-sha256)\s{1,3})?)(?!(?:bearer|basic|token)\s)[^\s"'*][^\s"']{0,4000}/gi,
  /(?<keep>\bbearer\s{1,3})[\w.~+/=-]{16,4000}/gi,
  /(?<keep>\b(?:set-)?cookie["']?:\s{0,3})\S.{0,4000}/gi,
  /(?<keep>\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"'`<>]{0,100}:)[^\s/@"'`<>*][^\s/"'`<>]{0,300}(?=@)/gi,
  /(?<keep>\bhttps?:\/\/)[\w.~-]{20,300}(?=@)/gi,
  /(?<keep>[?&](?:sig|signature|x-amz-signature|x-amz-security-token|x-goog-signature|access_token)=)[^\s&"'<>]{8,2000}/gi,
  /(?<keep>\bAccountKey=)[A-Za-z0-9+/]{40,100}={0,2}/g,
  /(?<keep>\baws_?secret_?access_?key["']?\s{0,3}[:=]\s{0,3}["']?)[A-Za-z0-9+/]{40}/gi,
  // As a command is given one. A placeholder, or a variable, holds none.
  new RegExp(
    `(?<keep>(?:^|\\s)--?(?:[a-z-]{0,30}-)?(?:${words})\\s{1,3}["']?)(?![-$<{["'*])(?=[^\\s"']{0,60}\\d)[^\\s"']{6,400}`,
    'gi',
  ),
  /(?<keep>\bcurl\s(?:[^\n|;]{0,300}\s)?(?:-u|--user)\s{0,3}["']?[^\s:"']{1,100}:)(?![$<{[*])[^\s"']{3,300}/g,
  /(?<keep>\bmysql(?:dump|admin)?\s(?:[^\n|;]{0,300}\s)?-p)(?![$<{[*])[^\s"']{6,100}/g,
  new RegExp(
    `(?<keep>(?:${words})[\\w-]{0,30}["']?\\s{0,3}[:=]>?\\s{0,3}(?<quote>["']))(?!\\$?\\{)(?=[^\\s"']{0,60}\\d)(?=[^\\s"']{0,60}[A-Za-z])[^\\s"']{12,400}(?=\\k<quote>)`,
    'gi',
  ),
  // Letters and digits, or it is a word: "Unexpected token: identifier".
  new RegExp(
    `(?<keep>(?:${words})[\\w-]{0,30}["']?\\s{0,3}[:=]>?\\s{0,3}["']?)(?=[^\\s"']{0,60}\\d)(?=[^\\s"']{0,60}[A-Za-z])[\\w.~+/=!@#$%^&-]{12,400}`,
    'gi',
  ),
];

const mark = '[redacted]';

/** A line without what looks like a credential, and without the values that are known to be one. */
export function redactSecrets(line: string, known: readonly string[] = []): string {
  let text = line;
  for (const value of known) if (value.length >= 8) text = text.replaceAll(value, mark);
  for (const pattern of patterns)
    text = text.replace(pattern, (_, keep) => (typeof keep === 'string' ? keep : '') + mark);
  return text;
}

/** The same of a text of many lines, in which a private key may be. */
export function redactText(text: string): string {
  const isOfKey = createKeyWatch();
  const lines: string[] = [];
  let wasOfKey = false;
  for (const line of text.split('\n')) {
    const isKey = isOfKey(line);
    if (!isKey) lines.push(line);
    else if (!wasOfKey) lines.push(mark);
    wasOfKey = isKey;
  }
  return redactSecrets(lines.join('\n'));
}

/** Of a private key, a credential over many lines: says of each line whether it belongs to one. */
export function createKeyWatch(): (line: string) => boolean {
  let left = 0;
  return (line) => {
    if (left === 0 && !line.includes('-----BEGIN ')) return false;
    if (/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/.test(line)) left = 100;
    if (left === 0) return false;
    left = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY/.test(line) ? 0 : left - 1;
    return true;
  };
}
