/*
 * Shoot-downs: once a flush has returned, no access uses what was flushed.
 *
 * Mirrors ShootdownLog and Mmu in dev.bifolio.kernel.table. One page, whose entry names a frame, or no
 * frame; a CPU with a buffer of one entry (CPUs share nothing but the entry, so a second one adds
 * states only); two threads that change the entry, each under the space's lock, and flush. An atomic
 * block is one access to shared memory.
 *
 *   entry          the frame that the tables name, or NONE
 *   generation     requests so far; the log has room for LENGTH of them
 *   log[g]         what request g was (here a kind: the page, or something else)
 *   state[c]       odd while CPU c is in an access
 *   tlb[c], done[c]   of the CPU alone: what it remembers, and up to which request it has forgotten
 *   owner[f]       whether a frame still is the space's; a changer frees the old one after the flush
 *
 * Stores are seen at once and in order. What a missing fence behind the mark would do, that is that the
 * generation is looked at before others see the mark, is LOOK_FIRST.
 *
 * Properties
 *   P1  an access uses only a frame that is the space's at that moment;
 *   P2  nobody waits forever (no invalid end state): a changer waits for accesses, an access for nobody;
 *   P3  who has fallen behind by more than the log holds forgets all, and P1 still holds.
 *
 * Not in the model: several pages, spaces and levels; a walk reads one entry.
 *
 * Long: -DTURNS=3
 *
 * Mutants, each seen to fail: -DNO_WAIT (a flush does not wait for accesses), -DLOOK_FIRST (an access is
 * marked after the look at the generation), -DWAIT_FIRST (accesses are waited for before the generation
 * is counted up), -DFREE_FIRST (the frame is freed before the flush), -DFLUSH_FIRST (the flush comes
 * before the entry is changed), -DNO_OVERFLOW (who has fallen behind reads the log all the same),
 * -DOFF_BY_ONE (or does so for one request too many: the one that is written over at that moment),
 * -DEARLY_END (the mark goes before the load).
 */
#ifndef TURNS
#define TURNS 2
#endif
#ifndef CPUS
#define CPUS 1
#endif
#define LENGTH 2
#define FRAMES 3
#define NONE 9
#define PAGE 1
#define OTHER 2

byte entry = 0;
byte generation = 0;
byte log[LENGTH];
byte state[CPUS];
bool owner[FRAMES];
bool space_lock = false;
bool log_lock = false;

/* One flush: append, and wait. */
inline append(kind) {
  atomic { !log_lock -> log_lock = true }
  atomic { log[generation % LENGTH] = kind }
  atomic { generation++ }
  atomic { log_lock = false }
}

inline await_accesses() {
  c = 0;
  do
  :: c < CPUS ->
    atomic { seen = state[c] }
    if
    :: seen % 2 == 1 -> state[c] != seen
    :: else
    fi;
    c++
  :: else -> break
  od;
  c = 0;
  seen = 0
}

proctype changer(byte mine) {
  byte turn = 0;
  byte c = 0;
  byte seen = 0;
  byte old = NONE;
  do
  :: turn < TURNS ->
    atomic { !space_lock -> space_lock = true }
#ifdef FLUSH_FIRST
    append(PAGE);
    await_accesses();
#endif
    atomic {
      old = entry;
      if
      :: !owner[mine] -> owner[mine] = true; entry = mine
      :: entry != NONE -> entry = NONE
      :: entry == NONE && owner[mine] -> skip
      fi
    }
    atomic { space_lock = false }
#ifdef FREE_FIRST
    atomic {
      if
      :: old != NONE && old != entry -> owner[old] = false
      :: else
      fi
    }
#endif
#ifndef FLUSH_FIRST
#ifdef WAIT_FIRST
    await_accesses();
    append(PAGE);
#else
    append(PAGE);
#ifndef NO_WAIT
    await_accesses();
#endif
#endif
#endif
    /* Something else is flushed now and then, which fills the log. */
    if
    :: true -> append(OTHER)
    :: true
    fi;
#ifndef FREE_FIRST
    atomic {
      if
      :: old != NONE && old != entry -> owner[old] = false
      :: else
      fi
    }
#endif
    old = NONE;
    turn++
  :: else -> break
  od
}

inline catch_up() {
  atomic { now = generation }
  do
  :: done < now ->
    atomic { what = log[done % LENGTH] }
    atomic { after = generation }
    if
#ifdef OFF_BY_ONE
    :: after - done > LENGTH -> tlb = NONE; done = after; break
#endif
#if !defined(NO_OVERFLOW) && !defined(OFF_BY_ONE)
    :: after - done >= LENGTH -> tlb = NONE; done = after; break
#endif
    :: else ->
      if
      :: what == PAGE -> tlb = NONE
      :: else
      fi;
      done++
    fi
  :: else -> break
  od;
  now = 0;
  what = 0;
  after = 0
}

proctype cpu(byte me) {
  byte turn = 0;
  byte tlb = NONE;
  byte done = 0;
  byte now = 0;
  byte what = 0;
  byte after = 0;
  do
  :: turn < TURNS ->
#ifdef LOOK_FIRST
    catch_up();
    atomic { state[me]++ }
#else
    atomic { state[me]++ }
    catch_up();
#endif
    if
    :: tlb == NONE -> atomic { tlb = entry }
    :: else
    fi;
#ifdef EARLY_END
    atomic { state[me]++ }
#endif
    /* The physical address is in hand; the load comes later. */
    atomic {
      if
      :: tlb != NONE -> assert(owner[tlb])
      :: else
      fi
    }
#ifndef EARLY_END
    atomic { state[me]++ }
#endif
    turn++
  :: else -> break
  od
}

init {
  byte i = 0;
  atomic {
    owner[0] = true;
    do
    :: i < CPUS -> run cpu(i); i++
    :: else -> break
    od;
    run changer(1);
    run changer(2)
  }
}
