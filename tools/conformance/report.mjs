// Counts what was checked and tells what went wrong, and nothing else.

const SHOWN = 40 // failures told in full; one mistake tends to show in many places

export class Report {
  passed = 0
  failed = 0
  part = { name: '', passed: 0, failed: 0 }

  /** Begins a part; what passes in it is told as one line by `end`. */
  begin(name) {
    this.part = { name, passed: this.passed, failed: this.failed }
  }

  end() {
    const { name, passed, failed } = this.part
    const bad = this.failed - failed
    const count = `${this.passed - passed}${bad ? ` passed, ${bad} failed` : ''}`
    console.log(`${bad ? 'FAIL' : 'ok  '}  ${name} (${count})`)
  }

  /**
   * One check.
   * @param {string} what  a promise, for people
   * @param {string[]|string|boolean} problems  none, empty or false: it holds
   */
  check(what, problems) {
    const list = (Array.isArray(problems) ? problems : [problems]).filter(Boolean)
    if (list.length === 0) {
      this.passed++
      return true
    }
    this.failed++
    if (this.failed <= SHOWN) {
      console.log([`      ${what}`, ...list.slice(0, 5)].join('\n        '))
    } else if (this.failed === SHOWN + 1) {
      console.log('      … and more')
    }
    return false
  }

  /** @returns {number} the exit code */
  close() {
    console.log(`${this.passed} passed, ${this.failed} failed`)
    return this.failed === 0 && this.passed > 0 ? 0 : 1
  }
}
