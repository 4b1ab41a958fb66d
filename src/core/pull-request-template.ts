import { dropHidden } from './outgoing-text.ts';

/** A part of a pull request's text: what it is about, and what is said. */
export interface Part {
  title: string;
  text: string;
}

/** Where a repository keeps what its pull requests are to say, in GitHub's order. */
export function templatePath(paths: readonly string[]): string | null {
  const places = ['.github/', '', 'docs/'].map((folder) => `${folder}pull_request_template.md`);
  for (const place of places) {
    const found = paths.find((path) => path.toLowerCase() === place);
    if (found !== undefined) return found;
  }
  return null;
}

/** Which of our parts answers a heading of people's; the first that fits. */
const answers: [RegExp, string][] = [
  [/test|verif|\bqa\b|validat|reproduc/i, 'How it was verified'],
  [/risk|impact|breaking|rollback|roll-out|deploy|security/i, 'Risk'],
  [/why|motivation|context|background|issue|ticket|related|closes|fixes|reason/i, 'Why'],
  [/accept|criteria|done/i, 'Acceptance criteria'],
  [/decision|alternativ|approach|design|trade/i, 'Decisions taken'],
  [/screenshot|demo|recording|before.*after/i, 'Screenshots'],
  [/screenshot|evidence|demo|recording|before.*after/i, 'Evidence'],
  [/what|summary|descri|change|overview|purpose/i, 'What'],
];

const mostTemplate = 20_000;

/**
 * The repository's own template with our parts below its headings; what it has no heading for follows after it. Its boxes stay
 * unticked, and what it asks that we do not know stays open, for people to see. null: it has no heading of which we know.
 */
export function fillTemplate(template: string, parts: readonly Part[]): string | null {
  const open = new Map(parts.filter(({ text }) => text !== '').map(({ title, text }) => [title, text]));
  const text = dropHidden(template.slice(0, mostTemplate)).replace(/<!--[\s\S]*?(-->|$)/g, '');
  const sections = splitSections(text);
  let isFilled = false;
  const filled = sections.map(({ heading, body }) => {
    const title = heading === null ? undefined : answers.find(([pattern]) => pattern.test(heading))?.[1];
    const ours = title === undefined ? undefined : open.get(title);
    if (heading === null || title === undefined || ours === undefined) return [heading ?? '', body];
    open.delete(title);
    isFilled = true;
    return [heading, ours, body];
  });
  if (!isFilled) return null;
  const rest = [...open].map(([title, ours]) => [`## ${title}`, ours]);
  return [...filled, ...rest]
    .map((lines) => lines.map((line) => line.trim()).filter((line) => line !== ''))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n\n'))
    .join('\n\n');
}

interface Section {
  heading: string | null;
  body: string;
}

/** By headings that are no code; what stands before the first has none. */
function splitSections(text: string): Section[] {
  const sections: Section[] = [{ heading: null, body: '' }];
  let fence: string | null = null;
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined) fence = fence === null ? mark : mark.startsWith(fence) ? null : fence;
    if (fence === null && /^ {0,3}#{1,6}\s+\S/.test(line)) sections.push({ heading: line.trim(), body: '' });
    else {
      const last = sections.at(-1);
      if (last) last.body += `${line}\n`;
    }
  }
  return sections;
}
