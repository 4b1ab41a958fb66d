import * as z from 'zod';
import { shorten } from '../../core/outgoing-text.ts';
import { type Part, partLimits } from '../../core/proposal.ts';
import { confidences, judgeParts, type Rating, sizes } from '../../core/scope.ts';
import type { Tool, ToolResult, ToolRunContext } from '../../core/tool.ts';
import { defineTool, failure } from '../define-tool.ts';

/** Says what follows from a rating. */
export type Scope = (rating: Rating, context: ToolRunContext) => Promise<ToolResult>;

const texts = z.array(z.string());
/** More of a ticket's words than anybody reads; what a model writes beyond that is left out, not refused. */
const most = { files: 200, steps: 50, questions: 30, line: 1_000 };

/** A part is one text, because a schema for its fields would cost every request as much as all the rest of the tool. */
export function scopeTool(scope: Scope): Tool {
  return defineTool({
    name: 'scope',
    description: 'Rate the ticket. Red: something is missing.',
    arguments: z.object({
      confidence: z.enum(confidences),
      size: z.enum(sizes),
      files: texts,
      plan: texts,
      questions: texts.optional(),
      parts: texts.optional().describe('Only if too large: "title\\nrepository: x\\nafter: 0\\ntext"'),
    }),
    readOnly: false,
    repeatable: true,
    describe: () => null,
    async run({ confidence, size, files, plan, questions = [], parts = [] }, context) {
      const rating: Rating = {
        confidence,
        size,
        files: lines(files, most.files),
        plan: lines(plan, most.steps),
        questions: lines(questions, most.questions),
        parts: parts.map(readPart),
      };
      const wrong = judgeParts(rating.parts);
      return wrong === null ? scope(rating, context) : failure(wrong);
    },
  });
}

/** The title, lines that say where and after which others, and the rest. */
function readPart(text: string): Part {
  const [title = '', ...rest] = text.trim().split(/\r?\n/);
  const part: Part = { title: title.trim().slice(0, partLimits.title), description: '', repository: null, after: [] };
  const described = rest.filter((line) => {
    const [, name = '', value = ''] = /^\s*(repository|after)\s*:\s*(.*?)\s*$/i.exec(line) ?? [];
    if (name.toLowerCase() === 'repository') part.repository = value.slice(0, partLimits.title) || null;
    else if (name !== '') part.after = [...new Set((value.match(/\d+/g) ?? []).map(Number))];
    return name === '';
  });
  return { ...part, description: shorten(described.join('\n').trim(), partLimits.description) };
}

function lines(texts: readonly string[], limit: number): string[] {
  const kept = texts.map((text) => text.trim().slice(0, most.line)).filter((text) => text !== '');
  return [...new Set(kept)].slice(0, limit);
}
