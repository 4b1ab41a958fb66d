import * as z from 'zod';
import type { Tool, ToolResult, ToolRunContext } from '../core/tool.ts';
import type { WorkReport } from '../core/work-report.ts';
import { defineTool } from './define-tool.ts';

export interface SessionToolsOptions {
  /** Verifies the work. Answers with an `outcome` when it is good, with findings for the model when it is not. */
  finish(report: WorkReport, context: ToolRunContext): Promise<ToolResult>;
}

/**
 * How the agent speaks to people: functions of the worker, whose effects commit with their step. An `ask` ends the run as
 * `needsInput`; putting the question on the ticket is the flow's business, like every other end.
 */
export function createSessionTools({ finish }: SessionToolsOptions): Tool[] {
  return [
    defineTool({
      name: 'update_plan',
      description: 'Show your plan on the ticket; send all steps every time.',
      arguments: z.object({
        steps: z
          .array(
            z.object({
              content: z.string().min(1).max(500),
              status: z.enum(['pending', 'inProgress', 'completed', 'canceled']),
            }),
          )
          .max(50),
      }),
      readOnly: true,
      describe: () => null,
      async run({ steps }, { scope }) {
        scope.plan(steps);
        return { text: 'The plan is shown.', isError: false };
      },
    }),
    defineTool({
      name: 'note',
      description:
        'Tell people something on the ticket that they should know before you are done, in a sentence or two.',
      arguments: z.object({ text: z.string().min(1).max(4_000) }),
      readOnly: true,
      describe: () => null,
      async run({ text }, { scope }) {
        scope.report({ type: 'thought', body: text });
        return { text: 'Noted.', isError: false };
      },
    }),
    defineTool({
      name: 'ask',
      description: 'Ask people on the ticket and stop until they answer.',
      arguments: z.object({
        question: z.string().min(1).max(4_000),
        options: z.array(z.string().min(1).max(200)).max(10).optional().describe('Answers to choose from'),
      }),
      readOnly: false,
      repeatable: true,
      describe: () => null,
      async run({ question, options }) {
        return {
          text: 'The question is on the ticket. The answer comes as a message.',
          isError: false,
          outcome: { stopReason: 'needsInput', message: question, ...(options ? { options } : {}) },
        };
      },
    }),
    defineTool({
      name: 'finish',
      description: 'Hand in the work. It is verified, then becomes a pull request; or you are told what is wrong.',
      arguments: z.object({
        title: z.string().min(1).max(200).describe('Of the pull request'),
        summary: z.string().min(1).max(8_000).describe('What you changed and why, in Markdown'),
        decisions: z
          .array(z.string().max(1_000))
          .max(20)
          .optional()
          .describe('What you chose where the ticket was open'),
        risk: z.string().max(2_000).optional().describe('What could go wrong'),
        answer: z.string().max(16_000).optional().describe('Only for a ticket that needs no change'),
      }),
      readOnly: false,
      repeatable: true,
      describe: () => null,
      run({ title, summary, decisions = [], risk, answer }, context) {
        return finish({ title, summary, decisions, risk: risk ?? null, answer: answer ?? null }, context);
      },
    }),
  ];
}
