import { attachmentLimits, sizeOf } from './attachment-content.ts';
import type { Evidence } from './evidence.ts';
import { inline } from './markdown.ts';
import { cleanText } from './outgoing-text.ts';

/** What is kept of the images that tool servers return, and what of them people are shown. */
export const screenshotLimits = {
  /** What a model can be shown, too. */
  bytes: attachmentLimits.imageBytes,
  /** By one run. */
  kept: 50,
  /** In one hand-in. */
  shown: 8,
};

/** An image of the session's evidence, as the agent names it. */
export interface NamedScreenshot {
  /** As it was told where it was taken: its path in the evidence. */
  image: string;
  shows: 'before' | 'after';
  /** What is to be seen on it, the same words for both. */
  of: string;
}

/** One that people are shown. */
export interface Screenshot extends NamedScreenshot {
  /** Its name outside, by its content. */
  file: string;
  mediaType: string;
  bytes: number;
}

/** An image that is there to be shown. `hash`: of its content. */
export interface KeptImage {
  path: string;
  mediaType: string;
  bytes: number;
  hash: string;
}

const extensions: Record<string, string> = { 'image/png': 'png', 'image/jpeg': 'jpg' };

/** Those that were named, or why they cannot be shown, for the model. */
export function findScreenshots(
  named: readonly NamedScreenshot[],
  kept: readonly KeptImage[],
): { shown: Screenshot[] } | { refused: string } {
  const shown: Screenshot[] = [];
  const problems: string[] = [];
  for (const each of named.slice(0, screenshotLimits.shown)) {
    const image = kept.find(({ path }) => path === each.image.trim());
    const extension = extensions[image?.mediaType ?? ''];
    const name = inline(each.image, 200);
    if (!image) problems.push(`There is no image "${name}".`);
    else if (extension === undefined) problems.push(`"${name}" is ${image.mediaType}. Take it as PNG or JPEG.`);
    else if (image.bytes > screenshotLimits.bytes)
      problems.push(
        `"${name}" has ${sizeOf(image.bytes)}, and ${sizeOf(screenshotLimits.bytes)} is the limit. Take less of the page, or a JPEG.`,
      );
    else {
      const { path, mediaType, bytes, hash } = image;
      const file = `${shown.length + 1}-${each.shows}-${hash.slice(0, 8)}.${extension}`;
      shown.push({ image: path, shows: each.shows, of: each.of, file, mediaType, bytes });
    }
  }
  if (problems.length === 0) return { shown };
  const there = kept.slice(-20).map(({ path }) => path);
  const list = there.length === 0 ? 'None was kept yet.' : `Kept are: ${there.join(', ')}`;
  return { refused: `Not accepted. ${problems.join(' ')} ${list}` };
}

/** As evidence that says what is to be seen; its content is there already. */
export function asEvidence({ image, shows, of, mediaType, bytes }: Screenshot): Evidence {
  return { type: 'file', name: `${shows}: ${cleanText(of, 200)}`, mediaType, bytes, path: image };
}

/** Where people see one; null: it has no address, and is a file of a branch. */
export type Place = (file: string) => string | null;

/** For a pull request: what belongs together side by side. '' where there is none. */
export function writeScreenshots(shown: readonly Screenshot[], branch: string, place: Place): string {
  const groups = Map.groupBy(shown, ({ of }) => inline(of, 200));
  return [...groups]
    .map(([of, all]) => {
      const cell = (shot: Screenshot | undefined) => (shot ? writeCell(shot, of, branch, place) : '–');
      const [before, after] = (['before', 'after'] as const).map((when) => all.filter(({ shows }) => shows === when));
      const rows = Array.from({ length: Math.max(before?.length ?? 0, after?.length ?? 0) }, (_, index) => {
        return `| ${cell(before?.[index])} | ${cell(after?.[index])} |`;
      });
      return [`${of}:\n`, '| Before | After |', '|---|---|', ...rows].join('\n');
    })
    .join('\n\n');
}

/** The same for a ticket, as links. */
export function linkScreenshots(shown: readonly Screenshot[], branch: string | null, place: Place): string {
  if (shown.length === 0) return '';
  const links = shown.map((shot) => {
    const name = `${shot.shows}: ${label(inline(shot.of, 200))}`;
    const url = place(shot.file);
    return url === null ? `${name} (\`${shot.file}\`)` : `[${name}](${url})`;
  });
  const where = branch === null || shown.some(({ file }) => place(file) !== null) ? '' : ` on the branch \`${branch}\``;
  return `Screenshots${where}: ${links.join(' · ')}`;
}

function writeCell({ shows, file }: Screenshot, of: string, branch: string, place: Place): string {
  const url = place(file);
  return url === null ? `\`${file}\` on \`${branch}\`` : `![${shows}: ${label(of)}](${url})`;
}

/** In a link's name and in a table. */
function label(text: string): string {
  return text.replace(/[[\]|\\`]/g, '').replace(/ +/g, ' ');
}

/** Told to the agent where a tool takes screenshots. */
export function noteOnScreenshots(tools: readonly string[]): string {
  return (
    `You can take screenshots (${tools.join(', ')}). Where the ticket changes what people see, take one before your first change and one after ` +
    'the last, of the same view, and name both in finish (`screenshots`), each time that you call it: people are shown them as they are. A page of the checkout is opened as ' +
    'file:// and its absolute path, or at the address that its tool server tells.'
  );
}

/** Whether a tool takes one, by its name as it is offered. */
export function takesScreenshots(name: string): boolean {
  return /screen_?-?shot/i.test(name);
}
