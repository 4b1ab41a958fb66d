import type { Check } from '../../core/check.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { Desks } from './writing/place.ts';

const checkWithinMs = 20_000;
const name = 'tracker github-issues';

/** Who we are there, and whether each repository is open to us. Never throws. */
export async function checkTracker({ api, own }: Desks, configured: readonly string[]): Promise<Check[]> {
  const signal = AbortSignal.timeout(checkWithinMs);
  if (configured.length === 0)
    return [
      {
        name,
        status: 'missing',
        message: 'no repository is set up whose issues are tickets',
        remedy: 'List them under `trackers.github-issues.repositories`, or add repositories that GitHub hosts.',
      },
    ];
  try {
    const { login } = await own(signal);
    const checks: Check[] = [{ name, status: 'ok', message: `connected as ${login}` }];
    for (const wanted of configured) checks.push(await checkRepository(wanted, signal));
    return checks;
  } catch (error) {
    const remedy = 'Run `shipmate connect github`, then `shipmate connect github --check`.';
    return [{ name, status: 'missing', message: (error as Error).message, remedy }];
  }

  async function checkRepository(wanted: string, signal: AbortSignal): Promise<Check> {
    try {
      const { full_name: found, has_issues: hasIssues, archived } = await api.repository(wanted, signal);
      const wrong = archived ? 'is archived' : hasIssues ? null : 'has its issues switched off';
      if (wrong === null) return { name, status: 'ok', message: `issues of ${found}` };
      return {
        name,
        status: 'warning',
        message: `${found} ${wrong}`,
        remedy: 'Change that in its settings, or take it off the list.',
      };
    } catch (error) {
      if (!(error instanceof VendorError) || error.code !== 'not_found') throw error;
      return {
        name,
        status: 'missing',
        message: `${wanted} is not there, or not for us`,
        remedy: 'Correct its name, or install the App on it.',
      };
    }
  }
}
