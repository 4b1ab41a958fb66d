import type { Tool } from '../core/tool.ts';
import { askTool } from './session/ask.ts';
import { type Finish, finishTool } from './session/finish.ts';
import { noteTool } from './session/note.ts';
import { type Scope, scopeTool } from './session/scope.ts';
import { updatePlanTool } from './session/update-plan.ts';

export interface SessionToolsOptions {
  finish: Finish;
  /** The ticket has acceptance criteria. */
  hasCriteria?: boolean;
  /** Its code host has reviews. */
  hasReviews?: boolean;
  /** A tool takes screenshots. */
  takesScreenshots?: boolean;
  /** Nothing: tickets are not rated here. */
  scope?: Scope | undefined;
}

/**
 * How the agent speaks to people: functions of the worker, whose effects commit with their step. An `ask` ends the run as
 * `needsInput`; putting the question on the ticket is the flow's business, like every other end.
 */
export function createSessionTools({
  finish,
  hasCriteria,
  hasReviews,
  takesScreenshots,
  scope,
}: SessionToolsOptions): Tool[] {
  const asked = {
    ...(hasCriteria && { asksCriteria: true }),
    ...(hasReviews && { hasReviews }),
    ...(takesScreenshots && { takesScreenshots }),
  };
  return [...(scope ? [scopeTool(scope)] : []), updatePlanTool, noteTool, askTool, finishTool(finish, asked)];
}
