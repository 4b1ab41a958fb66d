import * as z from 'zod';
import { type Asked, askedShape, type Capture, captureSchema } from '../../../mcp-servers/tickets/capture.ts';

/** What somebody says, with all that they leave out. */
export function asked(said: z.input<z.ZodObject<typeof askedShape>>): Asked {
  return z.object(askedShape).parse(said);
}

export function captured(said: Partial<z.input<typeof captureSchema>> = {}): Capture {
  return captureSchema.parse({ id: crypto.randomUUID(), title: 'Dates differ', ...said });
}
