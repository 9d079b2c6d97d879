import { describe, expect, it } from 'vitest';
import { createFocusLine } from './focus-heir.ts';

type Place = { isConnected: boolean; isDisabled: boolean; matches(selector: string): boolean };

/** A place in a page, by the two questions that are asked of one. */
function place(name: string): Place {
  return {
    isConnected: true,
    isDisabled: false,
    matches(selector) {
      return selector === ':disabled' ? this.isDisabled : selector.split(', ').includes(name);
    },
  };
}

const body = place('body');
function begin() {
  const [button, section, main] = [place('button'), place('section'), place('main')];
  const line = createFocusLine<Place>();
  line.took([button, place('div'), section, main, body]);
  return { line, button, section, main };
}

describe('createFocusLine', () => {
  it('names nobody while the holder is there', () => {
    const { line, button } = begin();
    expect(line.heir(button, body)).toBeUndefined();
    expect(line.heir(body, body)).toBeUndefined();
  });
  it('names the nearest part that remained, one time', () => {
    const { line, button, section, main } = begin();
    button.isConnected = false;
    section.isConnected = false;
    expect(line.heir(body, body)).toBe(main);
    expect(line.heir(body, body)).toBeUndefined();
  });
  it('names the part around one that can be used no longer', () => {
    const { line, button, section } = begin();
    button.isDisabled = true;
    expect(line.heir(button, body)).toBe(section);
  });
  it('names nobody where the focus went elsewhere by itself', () => {
    const { line, button } = begin();
    button.isConnected = false;
    expect(line.heir(place('a'), body)).toBeUndefined();
  });
  it('forgets a holder that let go, and is gone only later', () => {
    const { line, button } = begin();
    line.left(button, body);
    button.isConnected = false;
    expect(line.heir(body, body)).toBeUndefined();
  });
  it('remembers one that let go because it was taken away, or its window lay behind', () => {
    const gone = begin();
    gone.button.isConnected = false;
    gone.line.left(gone.button, body);
    expect(gone.line.heir(body, body)).toBe(gone.section);
    const behind = begin();
    behind.line.left(behind.button, behind.button);
    behind.button.isConnected = false;
    expect(behind.line.heir(body, body)).toBe(behind.section);
  });
  it('forgets no holder because an earlier one let go', () => {
    const { line, button, section } = begin();
    line.left(place('a'), body);
    button.isConnected = false;
    expect(line.heir(body, body)).toBe(section);
  });
});
