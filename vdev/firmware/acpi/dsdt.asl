/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's DSDT: PCI root with its windows and interrupt links, legacy devices, soft-off.
 * What depends on the machine's memory is in the three names at the top, which acpi_tables.c finds
 * by their magic numbers and fills in.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 2, "KEELSN", "KEELDSDT", 1)
{
    // 32 bits each, as SeaBIOS's parser of AML knows no 64-bit constants outside of buffers.
    Name (KLWB, 0x4B4C5742) // start of the 32-bit PCI window
    Name (KLHB, 0x4B4C4842) // start of the 64-bit window, lower and upper half
    Name (KLHC, 0x4B4C4843)
    Name (KLHE, 0x4B4C4845) // its last address; 0, 0: there is none
    Name (KLHF, 0x4B4C4846)

    Name (\_S5, Package () { 0, 0, 0, 0 }) // SLP_TYP 0

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)

            Name (RES, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0x0000, 0x00ff, 0, 0x0100)
                IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0000, 0x0cf7, 0, 0x0cf8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0d00, 0xffff, 0, 0xf300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x000a0000, 0x000bffff, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0x80000000, 0xfebfffff, 0, 0x7ec00000)
            })
            Name (RESH, ResourceTemplate ()
            {
                QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x8000000000, 0x8fffffffff, 0, 0x1000000000)
            })

            // The last descriptor of RES begins at byte 82, the one of RESH at 0.
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (RES, 92, LMIN)
                CreateDWordField (RES, 96, LMAX)
                CreateDWordField (RES, 104, LLEN)
                CreateQWordField (RESH, 14, HMIN)
                CreateQWordField (RESH, 22, HMAX)
                CreateQWordField (RESH, 38, HLEN)
                LMIN = KLWB
                LLEN = LMAX - LMIN + 1
                If ((KLHE | KLHF) == 0)
                {
                    Return (RES)
                }
                HMIN = (KLHC << 32) | KLHB
                HMAX = (KLHF << 32) | KLHE
                HLEN = HMAX - HMIN + 1
                Return (ConcatenateResTemplate (RES, RESH))
            }

            // INTA# of device 1 is wired to PIRQA#, of device 2 to PIRQB#, and so on.
            Method (_PRT, 0, Serialized)
            {
                Local0 = Package (128) {}
                Local1 = 0
                While (Local1 < 128)
                {
                    Local2 = Local1 >> 2                 // device
                    Local3 = (Local1 + Local2 + 3) & 3   // pin + device - 1
                    Switch (ToInteger (Local3))
                    {
                        Case (0) { Local4 = Package (4) { 0, 0, LNKA, 0 } }
                        Case (1) { Local4 = Package (4) { 0, 0, LNKB, 0 } }
                        Case (2) { Local4 = Package (4) { 0, 0, LNKC, 0 } }
                        Default  { Local4 = Package (4) { 0, 0, LNKD, 0 } }
                    }
                    Local4 [0] = (Local2 << 16) | 0xffff
                    Local4 [1] = Local1 & 3
                    Local0 [Local1] = Local4
                    Local1++
                }
                Return (Local0)
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRC, PCI_Config, 0x60, 4) // PIRQRC[A:D]
                Field (PIRC, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8, PRQB, 8, PRQC, 8, PRQD, 8
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 1, 4)
                        IRQNoFlags () { 8 }
                    })
                }

                Device (TIMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0040, 0x0040, 1, 4)
                        IRQNoFlags () { 0 }
                    })
                }

                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0020, 0x0020, 1, 2)
                        IO (Decode16, 0x00a0, 0x00a0, 1, 2)
                        IO (Decode16, 0x04d0, 0x04d0, 1, 2)
                        IRQNoFlags () { 2 }
                    })
                }

                Device (DMAC)
                {
                    Name (_HID, EisaId ("PNP0200"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0000, 0x0000, 1, 0x10)
                        IO (Decode16, 0x0081, 0x0081, 1, 0x0f)
                        IO (Decode16, 0x00c0, 0x00c0, 1, 0x20)
                        DMA (Compatibility, NotBusMaster, Transfer8_16) { 4 }
                    })
                }

                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0061, 0x0061, 1, 1)
                    })
                }

                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 1, 1)
                        IO (Decode16, 0x0064, 0x0064, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }

                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () { 12 }
                    })
                }

                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03f8, 0x03f8, 1, 8)
                        IRQNoFlags () { 4 }
                    })
                }

                Device (COM2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 2)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x02f8, 0x02f8, 1, 8)
                        IRQNoFlags () { 3 }
                    })
                }

                // What the board decodes and no other device above claims.
                Device (MBRD)
                {
                    Name (_HID, EisaId ("PNP0C02"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0080, 0x0080, 1, 1)
                        IO (Decode16, 0x0092, 0x0092, 1, 1)
                        IO (Decode16, 0x00b2, 0x00b2, 1, 2)
                        IO (Decode16, 0x0402, 0x0402, 1, 1)
                        IO (Decode16, 0x0510, 0x0510, 1, 0x0c)
                        IO (Decode16, 0x0600, 0x0600, 1, 0x40)
                        IO (Decode16, 0x0700, 0x0700, 1, 0x10)
                    })
                }
            }
        }

        // Guests find the VMBus by this id alone, which is shorter than a name of ACPI's may be: as a
        // method's result the compiler lets it pass. Linux wants a _CRS, and nothing in it.
        Device (VMBS)
        {
            Method (_HID) { Return ("VMBus") }
            Name (_UID, 0)
            Name (_DDN, "VMBUS")
            Name (_CRS, Buffer (2) { 0x79, 0x00 })
        }

        // PIRQRC: bit 7 is "not routed", 3:0 the ISA interrupt.
        Method (LSTA, 1) // _STA
        {
            If (Arg0 & 0x80)
            {
                Return (0x09)
            }
            Return (0x0b)
        }

        Name (LBUF, ResourceTemplate () // the buffer of _CRS; its number is at offset 5
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 }
        })

        Method (LCRS, 1, Serialized) // _CRS
        {
            CreateDWordField (LBUF, 5, INTN)
            INTN = 0
            If ((Arg0 & 0x80) == 0)
            {
                INTN = Arg0 & 0x0f
            }
            Return (LBUF)
        }

        Name (LPRS, ResourceTemplate () // _PRS
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
        })

        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQA)) }
            Method (_PRS) { Return (LPRS) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQA)) }
            Method (_DIS) { \_SB.PCI0.ISA.PRQA |= 0x80 }
            Method (_SRS, 1) { CreateDWordField (Arg0, 5, INTN) \_SB.PCI0.ISA.PRQA = INTN }
        }

        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQB)) }
            Method (_PRS) { Return (LPRS) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQB)) }
            Method (_DIS) { \_SB.PCI0.ISA.PRQB |= 0x80 }
            Method (_SRS, 1) { CreateDWordField (Arg0, 5, INTN) \_SB.PCI0.ISA.PRQB = INTN }
        }

        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQC)) }
            Method (_PRS) { Return (LPRS) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQC)) }
            Method (_DIS) { \_SB.PCI0.ISA.PRQC |= 0x80 }
            Method (_SRS, 1) { CreateDWordField (Arg0, 5, INTN) \_SB.PCI0.ISA.PRQC = INTN }
        }

        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQD)) }
            Method (_PRS) { Return (LPRS) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQD)) }
            Method (_DIS) { \_SB.PCI0.ISA.PRQD |= 0x80 }
            Method (_SRS, 1) { CreateDWordField (Arg0, 5, INTN) \_SB.PCI0.ISA.PRQD = INTN }
        }
    }
}
