import { expect, test } from 'vitest';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { readStatus as readStored } from '../../../src/trackers/github-issues/writing/status.ts';
import { newOwnComments, type StatusStore, saveStatus, see } from '../../../src/trackers/one-comment/own-comments.ts';
import { addSaid, keepResult, newStatus, type Status } from '../../../src/trackers/one-comment/status.ts';

test('what an older version has stored on GitHub is read as it was', () => {
  const state =
    '{"plan":[{"content":"Look","status":"inProgress"}],"page":"https://ship.example/s","pulls":[{"url":"https://github.com/acme/web/pull/7","title":"Fix","number":7,"state":"merged"}],"said":[{"at":"2026-01-02T03:04:05.678Z","text":"Use \\u003cb\\u003e."}],"now":null,"related":["1/2"],"done":[["op-1",{"id":"op-1"}]]}';
  const body = `<!-- shipmate:status -->\n\nUse <b>.\n\n<!-- shipmate:state ${state} -->`;
  expect(readStored(body)).toEqual(JSON.parse(state));
  expect(readStored(`Look:\n\n${body}`), 'what people quote').toBeNull();
});

/** Comments as a tracker keeps them, for several processes. */
function world() {
  const there = new Map<string, Status>();
  let ids = 8;
  const inTime: { beforeMaking?: () => Promise<unknown> } = {};
  const gone = () => new VendorError('It is gone.', { code: 'not_found', retryable: false });
  const store = (looksAgain: boolean): StatusStore => ({
    looksAgain,
    async look() {
      const own = newOwnComments();
      for (const [id, status] of there) see(own, { id, status: structuredClone(status) });
      return own;
    },
    async make(status) {
      const { beforeMaking } = inTime;
      delete inTime.beforeMaking;
      await beforeMaking?.();
      ids += 1;
      there.set(String(ids), structuredClone(status));
      return String(ids);
    },
    async edit(comment, status) {
      if (!there.has(comment)) throw gone();
      there.set(comment, structuredClone(status));
    },
    async remove(comment) {
      if (!there.delete(comment)) throw gone();
    },
  });
  return { there, inTime, store };
}

const saying = (word: string, at: string) => {
  const status = newStatus();
  addSaid(status, at, word);
  keepResult(status, word, { id: word });
  return status;
};

test.each([true, false])(
  'of two made in one moment the first stays and knows both; at once: %s',
  async (looksAgain) => {
    const { there, inTime, store } = world();
    // The one that is made first, "9", says the later word.
    inTime.beforeMaking = () =>
      saveStatus(newOwnComments(), saying('late', '2026-01-02T00:00:00.000Z'), store(looksAgain));
    const late = saying('early', '2026-01-01T00:00:00.000Z');
    await saveStatus(newOwnComments(), late, store(looksAgain));
    expect([...there.keys()]).toEqual(looksAgain ? ['9'] : ['9', '10']);
    const own = await store(looksAgain).look();
    const next = structuredClone(own.status?.known ?? newStatus());
    keepResult(next, 'next', {});
    const after = await saveStatus(own, next, store(looksAgain));
    expect([...there.keys()]).toEqual(['9']);
    expect(there.get('9')?.said.map(({ text }) => text)).toEqual(['early', 'late']);
    expect(
      there
        .get('9')
        ?.done.map(([id]) => id)
        .toSorted(),
    ).toEqual(['early', 'late', 'next']);

    there.clear();
    await saveStatus(after, next, store(looksAgain));
    expect([...there], 'made again where people have deleted it').toEqual([['11', next]]);
  },
);
