import { createHash } from 'node:crypto';
import { attachmentLimits, contentOf, sizeOf } from '../core/attachment-content.ts';
import { grouped } from '../core/cut-text.ts';
import { cleanLine, cleanText, markOutside } from '../core/outside-text.ts';
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
  { server, tool, scope }: Answered,
): { text: string; shown?: string } {
  const content = Buffer.from(data, 'base64');
  const found = contentOf(content);
  if (found.type !== 'image') return { text: notShown(mimeType, data) };
  const { mediaType } = found;
  const hash = createHash('sha256').update(content).digest('hex');
  const name = `${tool.replace(/[^\w-]+/g, '_').slice(0, 80)}-${hash.slice(0, 8)}`;
  const path = `${server}/${name}.${mediaType.slice('image/'.length)}`;
  const shown = content.length > attachmentLimits.imageBytes ? {} : { shown: hash };
  scope.evidence({ type: 'file', name: path, mediaType, bytes: content.length, path, ...shown }, content);
  const size = `${mediaType}, ${sizeOf(content.length)}${shown.shown === undefined ? ', too large to be shown' : ''}`;
  return { text: `[an image, ${size}, kept as ${path}]`, ...shown };
}

function notShown(mimeType: string, data: string): string {
  return `[${cleanLine(mimeType, 100)}, ${grouped(data.length)} characters of base64, not shown]`;
}
