/** A part of an INI or TOML text: its header line's name (null before the first) and all of its lines. */
export interface Section {
  name: string | null;
  text: string;
}

/**
 * The text of `head` with the sections that `theirs` picks as they stand in `base`. Null when they are the same already, so
 * that an ordinary addition elsewhere in the file changes nothing.
 */
export function mergeSections(base: string | null, head: string, theirs: (name: string) => boolean): string | null {
  const picked = (section: Section) => section.name !== null && theirs(section.name);
  const before = splitSections(base ?? '').filter(picked);
  const after = splitSections(head);
  const words = (sections: Section[]) => sections.map((section) => section.text.trim()).join('\n');
  if (words(before) === words(after.filter(picked))) return null;
  const kept = after.filter((section) => !picked(section)).map((section) => section.text.trimEnd());
  return `${[...kept, ...before.map((section) => section.text.trimEnd())].join('\n\n').trimStart()}\n`;
}

export function splitSections(text: string): Section[] {
  const sections: Section[] = [{ name: null, text: '' }];
  for (const line of text.split('\n')) {
    const header = /^\[+\s*([^\]]+?)\s*\]+\s*(?:#.*)?$/.exec(line);
    if (header) sections.push({ name: header[1] ?? '', text: '' });
    const current = sections.at(-1);
    if (current) current.text += `${line}\n`;
  }
  return sections;
}
