import { describe, expect, it } from 'vitest';
import { describeAddressError, describeError } from './errors.ts';

describe('describeError', () => {
  it('is neutral about a closed prompt', () => {
    expect(describeError({ code: 'prompt-cancelled' }).title).toBe('Nothing was signed');
  });
  it('says how long to wait where the failure knows it', () => {
    const facts = { retryAfterMs: 3_540_000 };
    expect(describeError({ code: 'faucet-too-soon', facts }).advice).toContain('~59 min');
    expect(describeError({ code: 'faucet-too-soon' }).advice).toContain('after a while');
  });
  it('shows a code that it does not know', () => {
    // What peers could not put back has a way out that deletes nothing of one's own.
    expect(describeError({ code: 'page-corrupt' }).advice).toContain('reset the node');
    const words = describeError({ code: 'brand-new-code' });
    expect(words.title).toBe('Brand new code');
    expect(words.advice).toContain('brand-new-code');
  });
});

describe('describeAddressError', () => {
  it('counts characters from one, as people do', () => {
    const error = { code: 'address-character-invalid', position: 4 };
    expect(describeAddressError(error)).toContain('Character 5');
  });
});
