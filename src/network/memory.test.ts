import { describe, expect, it } from 'vitest';
import { BanBook } from './bans.ts';
import { RecentPublications } from './recent.ts';
import { PeerScores } from './score.ts';
import { SeenMessages } from './seen.ts';

describe('SeenMessages', () => {
  it('forwards an accepted content again, but not at once', () => {
    const seen = new SeenMessages(10);
    expect(seen.lookup('a', 0, 500)).toBe('unknown');
    seen.record('a', 'accept', 0);
    expect(seen.lookup('a', 499, 500)).toBe('ignore');
    expect(seen.lookup('a', 500, 500)).toBe('repeat');
    expect(seen.lookup('a', 501, 500)).toBe('ignore');
  });

  it('never forwards a rejected content', () => {
    const seen = new SeenMessages(10);
    seen.record('a', 'reject', 0);
    expect(seen.lookup('a', 1e9, 500)).toBe('reject');
  });

  it('is bounded and forgets what was met least recently', () => {
    const seen = new SeenMessages(2);
    seen.record('a', 'accept', 0);
    seen.record('b', 'accept', 0);
    seen.lookup('a', 1, 500);
    seen.record('c', 'accept', 0);
    expect(seen.size).toBe(2);
    expect(seen.lookup('b', 1, 500)).toBe('unknown');
    expect(seen.lookup('a', 1, 500)).toBe('ignore');
  });
});

describe('PeerScores', () => {
  const scores = () => new PeerScores({ recoveryPerSecond: 10, max: 2 });

  it('starts at 1000, falls by blame, never below 0, and comes back with time', () => {
    const book = scores();
    expect(book.scoreOf('p', 0)).toBe(1_000);
    expect(book.blame('p', 300, 0)).toBe(700);
    expect(book.scoreOf('p', 10_000)).toBe(800);
    expect(book.blame('p', 5_000, 10_000)).toBe(0);
    expect(book.scoreOf('p', 110_000)).toBe(1_000);
    expect(book.size).toBe(0);
  });

  it('does not let negative points raise a score', () => {
    const book = scores();
    book.blame('p', 100, 0);
    expect(book.blame('p', -50, 0)).toBe(900);
  });

  it('is bounded', () => {
    const book = scores();
    for (const peer of ['a', 'b', 'c']) book.blame(peer, 10, 0);
    expect(book.size).toBe(2);
    expect(book.scoreOf('a', 0)).toBe(1_000);
  });
});

describe('BanBook', () => {
  it('refuses until the time comes, and is bounded', () => {
    const bans = new BanBook(2);
    bans.ban('a', 100);
    expect(bans.isBanned('a', 99)).toBe(true);
    expect(bans.isBanned('a', 100)).toBe(false);
    expect(bans.size).toBe(0);
    for (const name of ['a', 'b', 'c']) bans.ban(name, 100);
    expect(bans.size).toBe(2);
    expect(bans.isBanned('a', 0)).toBe(false);
    expect(bans.isBanned('c', 0)).toBe(true);
  });
});

describe('RecentPublications', () => {
  it('keeps what is recent, within count and bytes', () => {
    const recent = new RecentPublications({ windowMs: 100, countMax: 2, bytesMax: 10 });
    recent.add('votes', new Uint8Array(4), 0);
    recent.add('votes', new Uint8Array(5), 10);
    expect(recent.list(10)).toHaveLength(2);
    recent.add('votes', new Uint8Array(6), 20);
    expect(recent.list(20).map(({ message }) => message.length)).toEqual([6]);
    recent.add('votes', new Uint8Array(11), 30);
    expect(recent.list(30)).toHaveLength(1);
    expect(recent.list(121)).toHaveLength(0);
  });
});
