import * as z from 'zod';

/** How people call a ticket. */
export const ticket = z.string().trim().min(1).max(300).describe('"ENG-12", "#12" or its URL');
