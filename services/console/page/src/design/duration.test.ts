import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { briefly, countdown, inWords, milliseconds } from './duration.ts';
import { lastSegment, shortId, shortSerial } from './short-id.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

describe('spans of time', () => {
  it('count down to nothing and not below', () => {
    const spans = [-5, 0, 1, 59 * SECOND, 61 * SECOND, HOUR - 1, HOUR, 25 * HOUR];
    deepEqual(spans.map(countdown), ['0:00', '0:00', '0:01', '0:59', '1:01', '1:00:00', '1:00:00', '25:00:00']);
  });

  it('are brief on the map', () => {
    deepEqual([59 * SECOND, HOUR, 23.5 * HOUR, 24 * HOUR, 75 * HOUR].map(briefly), [
      '0:59',
      '1 h 00',
      '23 h 30',
      '1 d 00',
      '3 d 03',
    ]);
  });

  it('are words in sentences', () => {
    deepEqual([SECOND, 89 * SECOND, 90 * SECOND, 2 * HOUR, 50 * HOUR].map(inWords), [
      '1 second',
      '89 seconds',
      '2 minutes',
      '2 hours',
      '2 days',
    ]);
  });

  it('have as many digits as they deserve', () => {
    deepEqual([0.4, 8.31, 120.4, 1234].map(milliseconds), ['0.40 ms', '8.3 ms', '120 ms', '1.2 s']);
  });
});

describe('short names', () => {
  it('keep the end of a SPIFFE ID, and leave alone what is none', () => {
    deepEqual(['spiffe://a.test/ns/x/sa/shop', 'spiffe://a.test', 'browser', ''].map(shortId), [
      'spiffe://…/shop',
      'spiffe://a.test',
      'browser',
      '',
    ]);
    deepEqual(['spiffe://a.test/ns/x/sa/shop', 'browser', 'a/'].map(lastSegment), ['shop', 'browser', 'a/']);
    deepEqual(['0123456789', '0123'].map(shortSerial), ['01234567…', '0123']);
  });
});
