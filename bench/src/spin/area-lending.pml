/*
 * Lending an area: a unit of the level above becomes an area of frames, is claimed for allocation,
 * is freed into by anybody at any time, and goes back whole.
 *
 * Mirrors, in dev.bifolio.kernel.frame: the states of the area word, the lending of a unit to an
 * area, the frees into it and its giving back (HybridAllocator and its area class). One unit above,
 * one area of two frame words with a frame each. An atomic block is one access to shared memory.
 *
 *   unit  FREE, HEAD (a huge block), LENT
 *   aw    area word: NONE, BINNED, RESERVED, DIRTY (reserved and dirty), FULL
 *   fw    bit i: the frame of word i is FREE; each bit is a word of its own
 *
 * Processes: two that allocate a frame and free it, one that allocates the whole area as a huge block
 * and frees it, one that frees a frame a second time.
 *
 * Properties
 *   P1  no frame has two owners, whether single or as part of the huge block;
 *   P2  the unit is FREE or HEAD only while the area is NONE;
 *   P3  a free by the owner is never refused, a second free always, unless the frame has a new owner;
 *   P4  when all is free and quiet, the unit is FREE again: a late freer loses nothing.
 *
 * Long: -DTURNS=3
 *
 * Mutants, each seen to fail: -DSET_ON_LEAVE (area word set to FULL or BINNED without compare-and-set),
 * -DSCAN_THEN_CLEAR (dirty flag cleared after the scan), -DUNIT_FIRST (unit given back before the area
 * word says NONE), -DRETURN_UNCLAIMED (given back from BINNED without the claim), -DNO_LOOK_AFTER
 * (a free does not read the area word after its frame word), -DLOOK_BEFORE (it reads it before),
 * -DSTEAL (allocation in a reserved area, without the claim).
 */
#ifndef TURNS
#define TURNS 2
#endif
#define NONE 0
#define BINNED 1
#define RESERVED 2
#define DIRTY 3
#define FULL 4

#define FREE 0
#define HEAD 1
#define LENT 2

byte unit;
byte aw;
byte fw = 3;
byte owner[3]; /* ghost: of frame 0, frame 1, the huge block */
byte running;

/* Leaves RESERVED for FULL, BINNED or NONE. */
inline leaveArea() {
  do
  ::
#ifndef SCAN_THEN_CLEAR
     if
     :: atomic { aw == DIRTY -> aw = RESERVED }
     :: atomic { aw != DIRTY }
     fi;
#endif
     atomic { v = fw & 1 }
     atomic { v = v | (fw & 2) }
#ifdef SCAN_THEN_CLEAR
     if
     :: atomic { aw == DIRTY -> aw = RESERVED }
     :: atomic { aw != DIRTY }
     fi;
#endif
     if
     :: v == 3 ->
#ifdef UNIT_FIRST
        atomic { unit = FREE }
#endif
        if
        :: atomic { aw == RESERVED -> aw = NONE }
        :: atomic { aw == DIRTY } goto again
        fi;
#ifndef UNIT_FIRST
        atomic { assert(unit == LENT); unit = FREE }
#endif
        break
     :: v != 3 ->
#ifdef SET_ON_LEAVE
        atomic { aw = (v == 0 -> FULL : BINNED) } break
#else
        if
        :: atomic { aw == RESERVED -> aw = (v == 0 -> FULL : BINNED) } break
        :: atomic { aw == DIRTY }
        fi
#endif
     fi;
again:
     skip
  od;
  v = 0
}

inline freeFrame() {
#ifdef LOOK_BEFORE
  atomic { a = aw }
#endif
  atomic {
    if
    :: fw & (1 << i) -> goto refused
    :: else -> assert(owner[i] != 0 && unit == LENT); owner[i] = 0; fw = fw | (1 << i)
    fi
  }
#ifdef NO_LOOK_AFTER
  goto done;
#endif
  do
  ::
#ifndef LOOK_BEFORE
     atomic { a = aw }
#endif
     if
     :: a == NONE || a == DIRTY -> goto done
     :: a == FULL ->
        if
        :: atomic { aw == FULL -> aw = BINNED }
        :: atomic { aw != FULL }
#ifdef LOOK_BEFORE
           goto done
#endif
        fi;
#ifdef LOOK_BEFORE
        a = BINNED
#endif
     :: a == RESERVED ->
        if
        :: atomic { aw == RESERVED -> aw = DIRTY; goto done }
        :: atomic { aw != RESERVED }
#ifdef LOOK_BEFORE
           goto done
#endif
        fi
     :: a == BINNED ->
        atomic { v = fw & 1 }
        atomic { v = v | (fw & 2) }
        if
        :: v != 3 -> goto done
        :: v == 3
        fi;
#ifdef RETURN_UNCLAIMED
        if
        :: atomic { aw == BINNED -> aw = NONE }
           atomic { unit = FREE }
           goto done
        :: atomic { aw != BINNED }
        fi
#else
        if
        :: atomic { aw == BINNED -> aw = RESERVED }
           leaveArea();
           goto done
        :: atomic { aw != BINNED }
#ifdef LOOK_BEFORE
           goto done
#endif
        fi
#endif
     fi
  od
}

proctype Single(byte me) {
  byte turn, i, a, v;
  do
  :: turn == TURNS -> break
  :: turn < TURNS ->
     turn++;
     /* the right to allocate in the area: claimed from its bin, or by lending the unit */
     if
     :: atomic { aw == BINNED -> aw = RESERVED }
     :: atomic { aw == NONE }
        if
        :: atomic { unit == FREE -> unit = LENT }
           atomic { assert(aw == NONE); aw = RESERVED }
        :: atomic { unit != FREE }
           goto next
        fi
#ifdef STEAL
     :: atomic { aw == RESERVED || aw == DIRTY }
        goto take
#endif
     :: atomic { aw != NONE && aw != BINNED }
        goto next
     fi;
take:
     /* a frame: search, then compare-and-set on its word */
     atomic { v = fw & 1 }
     if
     :: v -> i = 0
     :: else -> i = 1
     fi;
     atomic {
       if
       :: fw & (1 << i) ->
          assert(owner[i] == 0 && owner[2] == 0);
          assert(unit == LENT);
          fw = fw & ~(1 << i);
          owner[i] = me;
          v = 1
       :: else -> v = 0
       fi
     }
     a = v;
#ifdef STEAL
     if
     :: aw == RESERVED || aw == DIRTY -> leaveArea()
     :: else
     fi;
#else
     leaveArea();
#endif
     if
     :: a ->
        a = 0;
        freeFrame()
     :: else
     fi;
     goto done;
refused:
     assert(owner[i] != me);
done:
next:
     atomic { a = 0; v = 0; i = 0 }
  od;
  atomic { turn = 0; running-- }
}

proctype Huge(byte me) {
  byte turn;
  do
  :: turn == TURNS -> break
  :: turn < TURNS ->
     turn++;
     if
     :: atomic {
          unit == FREE ->
          unit = HEAD;
          assert(aw == NONE);
          assert(owner[0] == 0 && owner[1] == 0 && owner[2] == 0);
          owner[2] = me
        }
        atomic { assert(unit == HEAD && owner[2] == me && aw == NONE); owner[2] = 0; unit = FREE }
     :: atomic { unit != FREE }
     fi
  od;
  atomic { turn = 0; running-- }
}

/* Frees frame 0, which it had long ago. */
proctype Stale() {
  byte i, a, v;
  freeFrame();
refused:
done:
  atomic { a = 0; v = 0; running-- }
}

init {
  atomic {
    running = 4;
    run Single(1);
    run Single(2);
    run Huge(3);
    run Stale()
  }
  atomic {
    running == 0;
    assert(fw == 3 && unit == FREE && aw == NONE)
  }
}
