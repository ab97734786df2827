import { redactSecrets } from '@meshwork/core';
import { describe, expect, it } from 'vitest';

const part = (text: string) => btoa(text).replaceAll('=', '');
const token = `${part('{"alg":"EdDSA"}')}.${part('{"sub":"data_analyst","exp":1}')}.${'Zm9v'.repeat(20)}`;

describe('redacting', () => {
  it('leaves nothing of a token that opens anything, wherever it stands', () => {
    for (const text of [token, `Bearer ${token}`, `{"authorization":"Bearer ${token}"}`, `x${token}y`, `${token} and ${token}`]) {
      const shown = redactSecrets(text);
      expect(shown).toContain('[secret]');
      expect(shown).not.toContain('Zm9vZm9v');
      expect(shown).not.toContain(part('{"sub":"data_analyst"').slice(0, 20));
    }
    expect(JSON.parse(redactSecrets(JSON.stringify({ a: token, b: 1 })))).toMatchObject({ b: 1 });
  });

  it('leaves other text as it is', () => {
    for (const text of ['', 'agent.added.to the hub', 'example.eyJ', 'a.b.c', 'https://hub.example/path.with.dots-and-a-long-tail-behind'])
      expect(redactSecrets(text)).toBe(text);
  });
});
