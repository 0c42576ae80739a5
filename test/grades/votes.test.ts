import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { voteRules } from '../../src/grades/vote-rules.ts';
import { byRule, createVotes, type VotesSnapshot } from '../../src/grades/votes.ts';
import { computeSeries } from '../../src/indicators/catalog.ts';
import { walk } from './universe.ts';

describe('the votes of a series', () => {
  const bars = walk(5, 320);

  it('appear as their indicators warm up: 22 at 90 bars, all 26 from 200', () => {
    const votes = createVotes();
    const available = bars.map((bar) => votes.update(bar).available);
    assert.equal(available[0], 0);
    assert.equal(available[89], 22);
    assert.ok(available.slice(199).every((count) => count === 26));
  });

  it('average to the overall vote, each weighing the same', () => {
    const votes = createVotes();
    for (const bar of bars) {
      const { overall, available, groups, votes: byName } = votes.update(bar);
      const cast = Object.values(byName).filter((vote) => vote !== null);
      assert.equal(cast.length, available);
      if (overall === null) continue;
      assert.equal(overall, cast.reduce<number>((sum, vote) => sum + vote, 0) / available);
      const { movingAverages, oscillators } = groups;
      const weighted =
        (movingAverages.mean ?? 0) * movingAverages.available + (oscillators.mean ?? 0) * oscillators.available;
      assert.ok(Math.abs(weighted / available - overall) < 1e-12);
    }
  });

  it('are the rules applied to whole series of the catalog, up to two bars back', () => {
    const votes = createVotes();
    const results = bars.map((bar) => votes.update(bar));
    const [trends = []] = computeSeries('ema', [50], bars);
    for (const { name, indicator, params, vote } of voteRules) {
      const columns = computeSeries(indicator, params, bars);
      const at = (index: number) => (index < 0 ? null : columns.map((column) => column[index] ?? null));
      for (const [index, bar] of bars.entries()) {
        const [now, before, earlier] = [at(index) ?? [], at(index - 1), at(index - 2)];
        const expected = vote({ bar, now, before, earlier, trend: trends[index] ?? null });
        assert.equal(byRule(results[index]?.votes ?? [])[name], expected, `${name} at bar ${index}`);
        assert.equal(byRule(results[index]?.values ?? [])[name], now[0]);
      }
    }
  });

  it('are all for buying among averages when every price is a new high', () => {
    const votes = createVotes();
    let last = votes.update(bars[0] ?? assert.fail());
    for (let day = 1; day < 260; day += 1) {
      const close = 100 * 1.01 ** day;
      const times = { openTime: day, closeTime: day + 1 };
      last = votes.update({ ...times, open: close / 1.01, high: close, low: close / 1.01, close, volume: 1 });
    }
    const { ichimoku, ...averages } = Object.fromEntries(Object.entries(byRule(last.votes)).slice(0, 15));
    assert.ok(Object.values(averages).every((vote) => vote === 1));
    assert.equal(ichimoku, 1);
  });

  it('go on from a snapshot through JSON with the identical bytes', () => {
    const whole = createVotes();
    let resumed = createVotes();
    for (const bar of bars) {
      resumed = createVotes(JSON.parse(JSON.stringify(resumed.snapshot())) as VotesSnapshot);
      assert.equal(JSON.stringify(resumed.update(bar)), JSON.stringify(whole.update(bar)));
    }
  });
});
