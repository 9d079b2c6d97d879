import { describe, expect, it } from 'vitest';
import { createReferenceVerifier, createWebCryptoVerifier } from '../../verifier/index.ts';
import { answerConformance } from './index.ts';
import { countsOf, VECTOR_COUNTS, vectorLines } from './vectors.fixture.ts';

const lines = vectorLines();

it('every published case is there', () => {
  expect(countsOf(lines)).toEqual(VECTOR_COUNTS);
});

const homes = {
  'in JavaScript': createReferenceVerifier(),
  'by the cryptography of Node.js': createWebCryptoVerifier(),
};

describe.each(Object.entries(homes))('%s', (_, verifier) => {
  it.each(Object.keys(VECTOR_COUNTS))('%s is answered as published', async (source) => {
    const wrong: object[] = [];
    for (const each of lines.filter((line) => line.source === source)) {
      const answer = await answerConformance(each.line, { verifier });
      if (JSON.stringify(answer) !== JSON.stringify(each.answer)) {
        wrong.push({ name: each.name, answer, expected: each.answer });
      }
    }
    expect(wrong).toEqual([]);
  });
});
