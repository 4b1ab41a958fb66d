import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { othersLimit, readOnly } from '../../answer-call.ts';
import type { Event } from '../answers.ts';
import { findEvent, findIssue } from '../find-issue.ts';
import { nameOf } from '../projects.ts';
import { type Part, parts, tellPart } from '../tell-event.ts';
import { isMinified, readTrace } from '../tell-frames.ts';
import { shown, when, word } from '../tell-issue.ts';
import { argument, type ToolContext } from '../tool-context.ts';
import { createWritten, cutBytes, type Written } from '../written.ts';

const names = Object.keys(parts) as [Part, ...Part[]];

const inputSchema = z.strictObject({
  issue: argument.issue,
  event: argument.event,
  part: z.enum(names).optional().describe('only this, at length'),
});

export function registerGetEvent(server: McpServer, { sentry, answer }: ToolContext): void {
  server.registerTool(
    'get-event',
    {
      description:
        'One event of an error: exceptions with frames, code and variables, request, newest breadcrumbs, tags, contexts.',
      inputSchema,
      annotations: readOnly,
    },
    ({ issue: given, event: wanted, part }, request) =>
      answer(request.signal, async (signal) => {
        const found = await findIssue(sentry, given, signal);
        const event = await findEvent(sentry, found, wanted, signal);
        const written = createWritten([event.user]);
        const asked = part === undefined ? names : [part];
        const told = asked.map((name) => {
          const text = tellPart[name](event, written, part !== undefined);
          const limit = part === undefined ? parts[name] : othersLimit;
          return { name, text: cutBytes(text, limit, part ? 'open it in Sentry' : `pass part ${name}`) };
        });
        const there = told.filter(({ text }) => text.trim() !== '');
        const missing = told.filter((each) => !there.includes(each) && each.name !== 'message').map(({ name }) => name);
        return {
          head: `Event ${word(event.eventID)} of ${shown(found.issue)} in ${nameOf(found.project)}, ${when(event.dateCreated)}. ${tellLimits(event)}`.trimEnd(),
          others: cutBytes(
            [tellHead(event, written), ...there.map(({ name, text }) => `${name}:\n${text}`)].join('\n\n'),
            othersLimit,
            'pass part',
          ),
          foot: [
            ...(missing.length > 0 ? [`It has no ${missing.join(', ')}.`] : []),
            'Values of people and secrets are hidden.',
          ].join(' '),
        };
      }),
  );
}

function tellHead(event: Event, written: Written): string {
  const tag = (key: string) => event.tags.find((each) => each.key === key)?.value;
  const title = event.entries.some(({ type }) => type === 'exception') ? [] : [written.line(event.title, 300)];
  return [
    ...title,
    [
      `release ${written.line(event.release?.version ?? tag('release'), 120) || 'unknown'}`,
      `environment ${written.line(tag('environment'), 60) || 'unknown'}`,
      `platform ${written.line(event.platform, 40) || 'unknown'}`,
    ].join('; '),
  ].join('\n');
}

/** What cannot be had from it, and what would change that. */
function tellLimits(event: Event): string {
  const trace = readTrace(event);
  const frames = trace.exceptions.flatMap(({ stacktrace }) => stacktrace?.frames ?? []);
  if (frames.length + trace.bare.length === 0)
    return 'It has no frames: where it happened must be found by its message, request and breadcrumbs, or in another event (list-similar-events).';
  if (isMinified(event, trace))
    return 'Its frames are of a minified bundle, without a source map: names and lines are not those of the source. Search the source for texts of the message and of the code shown; people can upload source maps to Sentry.';
  return '';
}
