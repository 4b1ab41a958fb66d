import * as z from 'zod';
import { mostCriteria } from '../../core/criteria.ts';
import { screenshotLimits } from '../../core/screenshots.ts';
import type { Tool, ToolResult, ToolRunContext } from '../../core/tool.ts';
import type { WorkReport } from '../../core/work-report.ts';
import { defineTool } from '../define-tool.ts';

/** Verifies the work. Answers with an `outcome` when it is good, with findings for the model when it is not. */
export type Finish = (report: WorkReport, context: ToolRunContext) => Promise<ToolResult>;

const criteria = z
  .array(z.object({ criterion: z.int(), met: z.boolean(), evidence: z.string().max(1_000) }))
  .max(mostCriteria)
  .optional()
  .describe("Each of the ticket's, by number");

const threads = z
  .array(z.object({ thread: z.string().max(10), done: z.boolean(), reply: z.string().max(4_000) }))
  .max(200)
  .optional()
  .describe('Each mark of a review (T1, ...): whether you did it, and what you answer');

const screenshots = z
  .array(z.object({ image: z.string().max(300), shows: z.enum(['before', 'after']), of: z.string().max(200) }))
  .max(screenshotLimits.shown)
  .optional()
  .describe('What people should see: `image` as its tool told it was kept, `of` the same words for both');

/**
 * There is a place to answer acceptance criteria where the ticket has some, threads where its code host has reviews, and
 * screenshots where a tool takes some.
 */
export function finishTool(
  finish: Finish,
  { asksCriteria = false, hasReviews = false, takesScreenshots = false } = {},
): Tool {
  return defineTool({
    name: 'finish',
    description: 'Hand in the work; it is verified.',
    arguments: z.object({
      title: z.string().min(1).max(200).describe('Of the pull request'),
      summary: z.string().min(1).max(8_000).describe('What and why, in Markdown'),
      decisions: z.array(z.string().max(1_000)).max(20).optional().describe('Where the ticket was open: X because Y'),
      risk: z.string().max(2_000).optional().describe('What could go wrong'),
      // Too many, or too long ones, are cut: nobody should have to hand in again for that.
      learned: z.array(z.string()).optional().describe('Lasting rules people taught you'),
      answer: z.string().max(16_000).optional().describe('Only where nothing needs to change'),
      ...((asksCriteria ? { criteria } : {}) as { criteria: typeof criteria }),
      ...((hasReviews ? { threads } : {}) as { threads: typeof threads }),
      ...((takesScreenshots ? { screenshots } : {}) as { screenshots: typeof screenshots }),
    }),
    readOnly: false,
    repeatable: true,
    describe: () => null,
    run(
      { title, summary, decisions = [], risk, learned = [], answer, criteria = [], threads = [], screenshots },
      context,
    ) {
      const told = { title, summary, decisions, criteria, threads, learned, ...(screenshots && { screenshots }) };
      return finish({ ...told, risk: risk ?? null, answer: answer ?? null }, context);
    },
  });
}
