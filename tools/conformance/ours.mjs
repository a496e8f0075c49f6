// Talks with ours.lua: one question, one answer.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export class Ours {
  constructor(lua) {
    const script = fileURLToPath(new URL('ours.lua', import.meta.url))
    this.child = spawn(lua, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.stdin.on('error', () => {}) // it ended: told below
    this.waiting = []
    createInterface({ input: this.child.stdout, crlfDelay: Infinity })
      .on('line', (line) => this.waiting.shift().resolve(JSON.parse(line)))
    this.child.on('close', (code) => {
      for (const { reject } of this.waiting) reject(new Error(`ours.lua ended with code ${code}`))
    })
  }

  /** Asks; the answers are described in ours.lua. */
  ask(ask, question = {}) {
    this.child.stdin.write(`${JSON.stringify({ ask, ...question })}\n`)
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }
}
