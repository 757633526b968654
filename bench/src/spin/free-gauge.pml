/*
 * The gauge of what nobody owns: allowances while memory is plenty, one counter when it is not.
 *
 * Mirrors FreeGauge in dev.bifolio.kernel.zone. Six frames in two halves, which a count reads one
 * after the other; two CPUs with a stripe and a thread each. An atomic block is one access to shared
 * memory; a sweep over the allowances is one too, and an allowance is at most MOST frames.
 *
 *   mode           FAR or NEAR
 *   pool, allowance[c]     what may be had in FAR
 *   counter        what is available in NEAR
 *   part[h]        frames of a half that nobody owns: the truth
 *
 * Processes: one that asks for LARGE frames, one that asks for single ones, both with a count before
 * they fail; one that frees. They begin in any state at rest. In half of the runs there is one thread,
 * which does what all three do, in any order.
 *
 * Properties
 *   P1  with one thread every request is granted if and only if it leaves the mark;
 *   P2  with three, what is left is below the mark by no more than each other thread can have been
 *       half-way with: the frames it asks for or frees, and an allowance;
 *   P3  at rest, after a count, the counter of NEAR is what is available, and no allowance is left; in
 *       FAR no more is promised than lies above the far mark and P2 allows.
 *
 * That the counter's upper bits change with each change is a bit for each process here, cleared by
 * every change of the counter: without it P2 fails (SAME_VALUE), since what came and went while a
 * recount walked would be counted wrong. Not in the model: two threads of one CPU, and the changes of
 * the far mark.
 *
 * Mutants, each seen to fail: -DCOUNT_FIRST (the count for NEAR is made before the pool and the
 * allowances are emptied), -DKEEP_STALE (a recount leaves what is in allowances), -DNO_CLEAR
 * (allowances are left when NEAR begins), -DNEAR_BY_STORE (the counter is changed without
 * compare-and-set), -DSAME_VALUE (a recount looks at the counter's
 * frames alone).
 */
#ifdef COUNT_FIRST
#define TURNS 3
#define FREES 0
#define MOST 0
#define LARGE 5
#endif
#if defined(SAME_VALUE) || defined(NEAR_BY_STORE)
#define TURNS 2
#define MOST 0
#endif
#ifndef TURNS
#define TURNS 1
#endif
#ifndef FREES
#define FREES 1
#endif
#ifndef PART
#define PART 3 /* frames of each half of the memory */
#endif
#ifndef MARK
#define MARK 1
#endif
#ifndef FAR_MARK
#define FAR_MARK 2
#endif
#ifndef MARGIN
#define MARGIN 1
#endif
#ifndef MOST
#define MOST 2
#endif
#ifndef LARGE
#define LARGE 3
#endif
#define MIN(a, b) ((a) < (b) -> (a) : (b))
#define MAX(a, b) ((a) > (b) -> (a) : (b))

#define FAR 0
#define NEAR 1

bool mode;
bool lock;
short counter;
short pool;
short allowance[2];
byte part[2];
byte running;

byte held;         /* ghost: frames that somebody owns */
short due;         /* ghost: what nobody owns, less what was granted and not yet taken */
byte unchanged;    /* ghost: bit i: the counter has not changed since i began to count */
bool alone;        /* ghost: there is one thread, which does everything */
bool busy;         /* ghost: it is at work */

#define CHANGED unchanged = 0
#ifdef SAME_VALUE
#define UNCHANGED true
#else
#define UNCHANGED (unchanged & (1 << cpu))
#endif

/* What I3 allows: what others may have been half-way with, and an allowance for each. */
#define OTHERS(n) (alone -> 0 : HALF(LARGE) + (1 + (FREES > 0)) * HALF(1) - HALF(n))
#define HALF(n) (n + MOST)

#define AVAILABLE (part[0] + part[1])

inline begin() {
  atomic { !(alone && busy) -> busy = alone }
}

inline takeLock() {
  atomic { !lock -> lock = true }
}

inline letGo() {
  atomic { assert(lock); lock = false }
}

/* A walk over the memory. */
inline count() {
  atomic { available = part[0] }
  atomic { available = available + part[1] }
}

inline grant() {
  due = due - n;
  granted = true;
  assert(due >= MARK - OTHERS(n))
}

/* For who has the lock. */
inline beNear() {
#ifndef COUNT_FIRST
#ifndef NO_CLEAR
  atomic { allowance[0] = 0; allowance[1] = 0 }
#endif
  atomic { pool = 0 }
  count();
#endif
  atomic { counter = available; CHANGED }
  atomic { mode = NEAR }
#ifndef NO_CLEAR
  atomic { allowance[0] = 0; allowance[1] = 0 }
#endif
}

inline countForPool() {
  atomic { seen = pool }
  takeLock();
  if
  :: atomic { mode == FAR && pool <= seen -> seen = pool }
     count();
     atomic { above = available - FAR_MARK - allowance[0] - allowance[1] }
     if
     :: above >= MARGIN ->
        atomic {
          if
          :: pool == seen -> pool = above / 2
          :: else
          fi
        }
     :: above < MARGIN -> beNear()
     fi
  :: atomic { !(mode == FAR && pool <= seen) }
  fi;
  letGo()
}

inline goNear() {
  takeLock();
  if
  :: atomic { mode == FAR }
#ifdef COUNT_FIRST
     count();
#endif
     beNear()
  :: atomic { mode != FAR }
  fi;
  letGo()
}

inline takeFromPool() {
  do
  :: atomic { seen = pool }
     if
     :: seen < n -> break
     :: seen >= n
     fi;
     atomic {
       above = MIN(MOST, seen / 2) - allowance[cpu];
       above = (above < 0 -> n : n + above);
       above = MIN(seen, above)
     }
     if
     :: atomic { pool == seen -> pool = pool - above; grant() }
        atomic { allowance[cpu] = allowance[cpu] + above - n }
        if
        :: atomic { mode == FAR }
        :: atomic { mode != FAR } atomic { allowance[cpu] = 0 }
        fi;
        break
     :: atomic { pool != seen }
     fi
  od
}

inline takeNear() {
  do
  :: atomic { seen = counter }
     if
     :: seen - n < MARK -> break
     :: seen - n >= MARK
     fi;
     if
#ifdef NEAR_BY_STORE
     :: atomic { counter = seen - n; grant() } break
#else
     :: atomic { counter == seen -> counter = counter - n; CHANGED; grant() } break
     :: atomic { counter != seen }
#endif
     fi
  od
}

inline takeAbove() {
  counted = false;
  atomic { seen = allowance[cpu] }
  if
  :: seen >= n -> atomic { allowance[cpu] = seen - n; grant() }
  :: seen < n ->
     do
     :: atomic { mode != FAR } takeNear(); break
     :: atomic { mode == FAR }
        takeFromPool();
        if
        :: granted -> break
        :: !granted
        fi;
        if
        :: atomic { counted && mode == FAR } goNear(); takeNear(); break
        :: atomic { !(counted && mode == FAR) }
        fi;
        countForPool();
        counted = true
     od
  fi
}

inline add(m) {
  if
  :: atomic { mode == FAR }
  :: atomic { mode != FAR }
     atomic { counter = counter + m; above = counter; CHANGED }
     if
     :: above >= FAR_MARK + 2 * MARGIN ->
        takeLock();
        if
        :: atomic { mode != FAR && counter >= FAR_MARK + 2 * MARGIN }
           atomic { pool = 0 }
           atomic { mode = FAR }
        :: atomic { !(mode != FAR && counter >= FAR_MARK + 2 * MARGIN) }
        fi;
        letGo()
     :: above < FAR_MARK + 2 * MARGIN
     fi
  fi
}

inline recount() {
#ifndef KEEP_STALE
  if
  :: atomic { mode == FAR }
  :: atomic { mode != FAR } atomic { allowance[0] = 0; allowance[1] = 0 }
  fi;
#endif
  do
  :: atomic { seen = counter; unchanged = unchanged | (1 << cpu) }
     count();
     if
     :: atomic { mode == FAR || seen == available -> unchanged = unchanged & ~(1 << cpu) } break
     :: atomic { mode != FAR && seen != available }
        if
        :: atomic { counter == seen && UNCHANGED -> counter = available; CHANGED } break
        :: atomic { !(counter == seen && UNCHANGED) }
        fi
     fi
  od
}

proctype Requester(byte cpu; byte turns; byte n) {
  byte turn;
  short available, seen, above;
  bool counted, granted;
  do
  :: turn == turns -> break
  :: turn < turns ->
     turn++;
     begin();
     takeAbove();
     if
     :: !granted ->
        assert(!alone || due - n < MARK);
        recount();
        takeAbove()
     :: granted
     fi;
     if
     :: granted ->
        if
        :: atomic { part[0] >= n -> part[0] = part[0] - n; held = held + n }
        :: atomic { part[1] >= n -> part[1] = part[1] - n; held = held + n }
        :: atomic { part[0] < n && part[1] < n -> due = due + n }
           add(n)
        fi
     :: !granted
     fi;
     atomic { available = 0; seen = 0; above = 0; counted = false; granted = false; busy = false }
  od;
  atomic { turn = 0; turns = 0; n = 0; cpu = 0; running-- }
}

proctype Freer() {
  byte turn;
  short above;
  do
  :: turn == FREES -> break
  :: turn < FREES ->
     turn++;
     begin();
     if
     :: atomic { held > 0 && part[0] < PART -> held--; part[0]++; due++ }
        add(1)
     :: atomic { held > 0 && part[1] < PART -> held--; part[1]++; due++ }
        add(1)
     :: atomic { held == 0 || (part[0] == PART && part[1] == PART) }
     fi;
     atomic { above = 0; busy = false }
  od;
  atomic { turn = 0; running-- }
}

init {
  short available, seen;
  byte cpu;
  atomic {
    /* any state at rest */
    select(seen : 0 .. PART);
    part[0] = seen;
    select(seen : 0 .. PART);
    part[1] = seen;
    due = AVAILABLE;
    held = 2 * PART - due;
    if
    :: mode = NEAR;
       counter = due
    :: due > FAR_MARK ->
       select(seen : 0 .. MOST);
       allowance[0] = seen;
       select(seen : 0 .. MOST);
       allowance[1] = seen;
       seen = (due - FAR_MARK) - allowance[0] - allowance[1];
       if
       :: seen < 0 -> allowance[0] = 0; allowance[1] = 0; seen = due - FAR_MARK
       :: else
       fi;
       do
       :: pool = seen; break
       :: seen > 0 -> seen--
       od
    fi;
    if
    :: alone = true
    :: alone = false
    fi;
    seen = 0;
    running = 3;
    run Requester(0, 1, LARGE);
    run Requester(1, TURNS, 1);
    run Freer()
  }
  running == 0;
  recount();
  atomic {
    assert(due == AVAILABLE && !lock);
    if
    :: mode == NEAR -> assert(counter == due && allowance[0] == 0 && allowance[1] == 0)
    :: mode == FAR -> assert(pool + allowance[0] + allowance[1] <= MAX(0, due - FAR_MARK) + OTHERS(0))
    fi
  }
}
