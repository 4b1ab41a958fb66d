import { createHash } from 'node:crypto';
import { contentOf, sizeOf } from '../core/attachment-content.ts';
import { grouped } from '../core/cut-text.ts';
import { cleanLine, cleanText, markOutside } from '../core/outside-text.ts';
import { screenshotLimits } from '../core/screenshots.ts';
import type { StepScope } from '../core/step.ts';
import type { ToolResult } from '../core/tool.ts';
import type { CallToolResult } from './mcp-client.ts';
import { cutOutput } from './output-text.ts';

/** Of one result. */
const mostImages = 4;

/** Who answered what. */
export interface Answered {
  server: string;
  tool: string;
  scope: StepScope;
  /** Whether one more image is kept. */
  mayKeep(): boolean;
  /** Takes out what must not come back. */
  hide(text: string): string;
}

/** What a server answered, for the model: marked and cut. Its images become files of the session's evidence. */
export function toResult(result: CallToolResult, answered: Answered): ToolResult {
  const { server, hide } = answered;
  const images: string[] = [];
  let found = 0;
  const parts = result.content.map((part) => {
    if (part.type === 'text') return part.text;
    if (part.type === 'image') {
      const kept = found++ < mostImages ? keepImage(part.data, part.mimeType, answered) : { text: tooMany };
      if (kept.shown !== undefined) images.push(kept.shown);
      return kept.text;
    }
    if (part.type === 'resource')
      return 'text' in part.resource ? part.resource.text : `[${part.resource.uri}, not text]`;
    if (part.type === 'resource_link') return `[${part.uri}]`;
    return notShown(part.mimeType, part.data);
  });
  if (parts.length === 0 && result.structuredContent) parts.push(JSON.stringify(result.structuredContent));
  const text = cutOutput(hide(cleanText(parts.join('\n'))), 'ask for less');
  return {
    text: markOutside(`tool server ${server}`, text),
    isError: result.isError ?? false,
    ...(images.length > 0 && { images }),
  };
}

const tooMany = '[one image too many in one result, not kept]';

/** By its content: what a server calls an image may be anything. */
function keepImage(
  data: string,
  mimeType: string,
  { server, tool, scope, mayKeep, hide }: Answered,
): { text: string; shown?: string } {
  const content = Buffer.from(data, 'base64');
  const found = contentOf(content);
  if (found.type !== 'image') return { text: notShown(mimeType, data) };
  const { mediaType } = found;
  const what = `an image, ${mediaType}, ${sizeOf(content.length)}`;
  if (content.length > screenshotLimits.bytes)
    return {
      text: `[${what}: more than the ${sizeOf(screenshotLimits.bytes)} that are kept. Take less of the page, or a JPEG]`,
    };
  // Anything may stand in its bytes, and people are shown it outside.
  const text = content.toString('latin1');
  if (hide(text) !== text)
    return { text: `[${what}, not kept: it holds what this server was given and must not give back]` };
  if (!mayKeep()) return { text: `[${what}, not kept: this run has kept ${screenshotLimits.kept}]` };
  const shown = createHash('sha256').update(content).digest('hex');
  const name = `${tool.replace(/[^\w-]+/g, '_').slice(0, 80)}-${shown.slice(0, 8)}`;
  const path = `${server}/${name}.${mediaType.slice('image/'.length)}`;
  scope.evidence({ type: 'file', name: path, mediaType, bytes: content.length, path, shown }, content);
  return { text: `[${what}, kept as ${path}]`, shown };
}

function notShown(mimeType: string, data: string): string {
  return `[${cleanLine(mimeType, 100)}, ${grouped(data.length)} characters of base64, not shown]`;
}
