/** The NUL-separated records of git's `-z` output. */
export function splitRecords(output: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let start = 0; start < output.length; ) {
    const end = output.indexOf(0, start);
    if (end === -1) break; // cut in the middle
    records.push(output.subarray(start, end));
    start = end + 1;
  }
  return records;
}

/** Names that become files or refs of ours. */
export function assertName(what: string, name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name))
    throw new Error(`${what} ${JSON.stringify(name)} must be 1 to 100 letters, digits, "-" or "_"`);
  return name;
}

export function isCommit(name: string): boolean {
  return /^[0-9a-f]{40}$/.test(name);
}

export function assertCommit(name: string): string {
  if (!isCommit(name)) throw new Error(`${JSON.stringify(name)} is not a full commit or tree id`);
  return name;
}
