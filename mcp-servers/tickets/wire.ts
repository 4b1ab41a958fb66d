import * as z from 'zod';
import { captureSchema, resultSchema } from './capture.ts';

/*
 * What passes between a person's machine and the service beside what models read: in `_meta` of a call and of its result, which
 * clients show to no model and no model can write.
 */

/** Its name there. */
export const wireKey = 'shipmate/desk';

/** Of a call: that it comes from a machine, not from a model; and what it says once, however often it is sent. */
export const sentSchema = z.object({
  id: captureSchema.shape.id.optional(),
  /** What was gathered; without it the service gathers what it can itself. */
  capture: captureSchema.pick({ checkout: true, environment: true, client: true, from: true }).optional(),
});
export type Sent = z.output<typeof sentSchema>;

/** Of a result: what the desk said, whole; or that it could not be reached, so that the same is to be sent again. */
export const saidSchema = z.object({ value: z.unknown().optional(), unreachable: z.boolean().optional() });
export type Said = z.output<typeof saidSchema>;

const foundSchema = z.object({ identifier: z.string(), title: z.string(), url: z.string(), state: z.string() });

/** What each method of a `TicketDesk` answers. */
export const answers = {
  makeTicket: resultSchema,
  searchTickets: z.array(foundSchema),
  getTicket: foundSchema.extend({ text: z.string() }),
  sentence: z.string(),
  ticketStatus: z.array(
    foundSchema.extend({
      work: z.string(),
      question: z.string().nullable(),
      pullRequest: z.string().nullable(),
      page: z.string().nullable(),
    }),
  ),
};
