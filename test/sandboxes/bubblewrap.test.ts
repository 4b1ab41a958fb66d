import { describe, it } from 'vitest';
import { sandboxContract } from '../contracts/sandbox.ts';
import { createTestDriver, whyNoBubblewrap } from './support.ts';

const reason = await whyNoBubblewrap();
if (reason === null) sandboxContract('bubblewrap', () => createTestDriver('bubblewrap'));
else describe('sandbox driver bubblewrap', () => it.skip(`skipped: ${reason}`, () => {}));
