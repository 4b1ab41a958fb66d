import * as z from 'zod';
import { mostCriteria } from '../../core/criteria.ts';
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

/** `asksCriteria`: the ticket has acceptance criteria, so there is a place to answer them. */
export function finishTool(finish: Finish, asksCriteria = false): Tool {
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
    }),
    readOnly: false,
    repeatable: true,
    describe: () => null,
    run({ title, summary, decisions = [], risk, learned = [], answer, criteria = [] }, context) {
      const report = { title, summary, decisions, risk: risk ?? null, criteria, learned, answer: answer ?? null };
      return finish(report, context);
    },
  });
}
