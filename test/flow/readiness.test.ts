import { onTestFinished, test } from 'vitest';
import { startTestService } from '../support/service.ts';

test('whether a repository is ready is found by trying: tests, scans and fixers', async ({ expect }) => {
  const config = `verify: [test -s one.txt]
fix: [touch mended.txt, "echo no way; false", no-such-fixer]
scan: ["echo one.txt:1: error: odd", no-such-scanner]
`;
  const service = await startTestService({
    script: 'tickets: {}',
    files: { 'one.txt': 'one\n', 'AGENTS.md': 'Be kind.\n', '.shipmate.yml': config },
    parts: [],
  });
  onTestFinished(() => service.stop());
  const [repository] = service.config.repositories;
  if (!repository) throw new Error('there is no repository');
  const checks = await service.app.checkRepository(repository, AbortSignal.timeout(60_000));
  const found = checks.filter(({ name }) => name === 'scan' || name === 'fix');
  expect(found.map(({ name, status, message }) => [name, status, message.replace(/ \(\d+\.\d s\)/, '')])).toEqual([
    ['scan', 'ok', 'echo one.txt:1: error: odd: 1 finding(s); only new ones count'],
    ['scan', 'missing', 'no-such-scanner: 0 finding(s)'],
    ['fix', 'ok', 'touch mended.txt'],
    ['fix', 'warning', 'echo no way; false: exit 1'],
    ['fix', 'missing', 'no-such-fixer: exit 127'],
  ]);
  expect(found[3]?.remedy).toContain('no way');
});
